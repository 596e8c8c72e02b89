"""Shards of token ids: written in little memory, on from where a kill stopped it, and read again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from camembert.core.files import read_json
from camembert.data.text import read_documents
from camembert.tokens.shards import CorpusError, Shard, write_shard

SCRIPTS = Path(__file__).parents[3] / "scripts"
WRITE = """
import sys, time
from pathlib import Path
from camembert.tokens import shards
from camembert.data.text import read_documents
from camembert.tokens.tokenizer import load_tokenizer

text, tokenizer, output, unfinished, interval, pause = sys.argv[1:]
facts, interval = {"parallel": False}, float(interval)
shards.CHARACTERS_AT_ONCE = 1 << 15
anonymous = []

def progress(documents, tokens):
    status = Path("/proc/self/status").read_text()
    anonymous.append(int(status.split("RssAnon:")[1].split()[0]))
    time.sleep(float(pause))

documents, words = read_documents([text]), load_tokenizer(tokenizer)
shards.write_shard(output, documents, words, facts, unfinished, interval, progress)
print(max(anonymous, default=0))
"""
"""Prints the largest anonymous memory, KiB; waits after every entry of the journal, `interval` seconds apart."""


@pytest.fixture
def command(tokenizer_folder, tmp_path):
    """The command that writes a text into the shard `name`."""

    def make(text, name, interval=0.1, pause=0):
        arguments = text, tokenizer_folder, tmp_path / name, tmp_path / f"unfinished-{name}", interval, pause
        return [sys.executable, "-c", WRITE, *map(str, arguments)]

    return make


def environment():
    return os.environ | {"RAYON_NUM_THREADS": "1"}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_ten_times_the_text_takes_the_same_memory(command, tmp_path):
    peaks = []
    for times in (1, 10):
        text = tmp_path / f"{times}.txt"
        text.write_text("one\ntwo\ncats\nred\n" * 12_500 * times)
        run = subprocess.run(command(text, str(times)), capture_output=True, text=True, cwd=SCRIPTS, env=environment())
        assert run.returncode == 0, run.stderr
        assert len(Shard(tmp_path / str(times))) == 50_000 * times
        peaks.append(int(run.stdout))
    assert peaks[1] < 1.05 * peaks[0], peaks


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(command, tmp_path, lines):
    text = tmp_path / "en.txt"
    text.write_text("".join(f"{line}\n" for line in lines["en"]) * 150)
    whole = subprocess.run(command(text, "whole"), cwd=SCRIPTS, env=environment(), capture_output=True)
    assert whole.returncode == 0
    journal = tmp_path / "unfinished-killed" / "journal.json"
    process = subprocess.Popen(command(text, "killed", interval=0, pause=0.2), cwd=SCRIPTS, env=environment())
    while not journal.is_file():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    documents = read_json(journal)["documents"]
    assert 0 < documents < 150 * len(lines["en"])
    with open(journal.parent / "tokens.bin", "ab") as file:
        file.write(b"written after the last entry of the journal")
    again = subprocess.run(command(text, "killed"), cwd=SCRIPTS, env=environment(), capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert not journal.parent.exists()


@pytest.mark.parametrize("change", ["facts", "tokenizer", "lost"])
def test_work_in_progress_of_another_run_is_thrown_away(change, words, lines, tmp_path, monkeypatch):
    from camembert.tokens.tokenizer import train_tokenizer

    def interrupted(documents, tokens):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "en", lines["en"], words, {"source": 1}, tmp_path / "unfinished", 0, interrupted)
    if change == "lost":
        with open(tmp_path / "unfinished" / "tokens.bin", "r+b") as file:
            file.truncate(8)
    facts = {"source": 2 if change == "facts" else 1}
    tokenizer = train_tokenizer(lines["fr"], 120, lowercase=False) if change == "tokenizer" else words
    for name, unfinished in (("en", tmp_path / "unfinished"), ("fresh", None)):
        write_shard(tmp_path / name, lines["en"], tokenizer, facts, unfinished)
    assert contents(tmp_path / "en") == contents(tmp_path / "fresh")


@pytest.mark.parametrize("content", ["", "\n \n\t\n", "one line\n"])
def test_empty_text_is_refused_by_name(content, words, tmp_path):
    (tmp_path / "th.txt").write_text(content)
    with pytest.raises(CorpusError, match=r"too little text for .*th: expected at least two documents"):
        write_shard(tmp_path / "th", read_documents([tmp_path / "th.txt"]), words, {}, tmp_path / "unfinished")
    assert [path.name for path in tmp_path.iterdir()] == ["th.txt"]


# --- reading --------------------------------------------------------------------------------------------------


def test_a_shard_gives_back_the_tokens_of_every_document(lines, words, tmp_path, monkeypatch):
    monkeypatch.setattr("camembert.tokens.shards.DOCUMENTS_AT_ONCE", 7)
    write_shard(tmp_path / "en", lines["en"], words, {"parallel": False})
    shard = Shard(tmp_path / "en")
    expected = [words.encode(line, add_special_tokens=False).ids for line in lines["en"]]
    assert [shard[number].tolist() for number in range(len(shard))] == expected


def test_a_shard_says_what_it_holds_and_its_checksum_depends_on_the_text_alone(lines, words, tmp_path, corpus):
    shard = Shard(corpus["en"])
    assert (shard.facts["documents"], shard.facts["tokens"]) == (len(shard), len(shard.tokens))
    assert (shard.facts["source"], shard.facts["parallel"]) == ("conftest", True)
    assert shard.facts["sha256"] != Shard(corpus["fr"]).facts["sha256"]
    write_shard(tmp_path / "en", lines["en"], words, {"source": "elsewhere", "parallel": True})
    assert Shard(tmp_path / "en").facts["sha256"] == shard.facts["sha256"]


def test_a_shard_is_memory_mapped_int32_with_int64_offsets(corpus):
    shard = Shard(corpus["en"])
    assert isinstance(shard.tokens.base, np.memmap)
    assert shard.tokens.dtype == np.int32
    assert isinstance(shard.offsets.base, np.memmap)
    assert shard.offsets.dtype == np.int64
    assert shard.offsets[0] == 0
    assert (corpus["en"] / "tokens.bin").stat().st_size == 4 * shard.offsets[-1]


def test_a_shard_cut_short_is_refused(corpus, tmp_path):
    for name in ("shard.json", "offsets.npy", "tokens.bin"):
        (tmp_path / name).write_bytes((corpus["en"] / name).read_bytes())
    with open(tmp_path / "tokens.bin", "r+b") as file:
        file.truncate(40)
    with pytest.raises(CorpusError, match=rf"{tmp_path} holds 10 tokens, its offsets say \d+"):
        Shard(tmp_path)
