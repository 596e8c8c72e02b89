"""Shards of token ids: written in little memory, on from where a kill stopped it, and read again."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from camembert.data.text import read_documents
from camembert.tokens import corpora
from camembert.tokens.corpora import CorpusError, Shard, write_shard
from camembert.tokens.tokenizer import train_tokenizer

SCRIPTS = Path(__file__).parents[3] / "scripts"
WRITE = """
import logging, sys
from pathlib import Path
from camembert.tokens import corpora
from camembert.data.text import read_documents
from camembert.tokens.tokenizer import load_tokenizer

text, tokenizer, output = sys.argv[1:]
corpora.CHARACTERS_AT_ONCE = 1 << 15
anonymous = []

def measure(record):  # of the log, which has a line for every entry of the journal
    status = Path("/proc/self/status").read_text()
    anonymous.append(int(status.split("RssAnon:")[1].split()[0]))

corpora.log.setLevel(logging.INFO)
corpora.log.addFilter(measure)
corpora.write_shard(output, read_documents([text]), load_tokenizer(tokenizer), {"parallel": False}, None, 0.1)
print(max(anonymous))
"""
"""Prints the largest anonymous memory, KiB."""


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_ten_times_the_text_takes_the_same_memory(tokenizer_folder, tmp_path):
    peaks = []
    for times in (1, 10):
        text, output = tmp_path / f"{times}.txt", tmp_path / str(times)
        text.write_text("one\ntwo\ncats\nred\n" * 12_500 * times)
        command = [sys.executable, "-c", WRITE, str(text), str(tokenizer_folder), str(output)]
        environment = os.environ | {"RAYON_NUM_THREADS": "1"}
        run = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPTS, env=environment)
        assert run.returncode == 0, run.stderr
        assert len(Shard(output)) == 50_000 * times
        peaks.append(int(run.stdout))
    assert peaks[1] < 1.05 * peaks[0], peaks


@pytest.mark.parametrize("change", [None, "more", "facts", "tokenizer", "lost"])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(change, words, lines, tmp_path, monkeypatch, caplog):
    """What is lost, or was written with other facts or another tokenizer, is thrown away."""

    def interrupted():
        yield from lines["en"]
        raise KeyboardInterrupt

    monkeypatch.setattr(corpora, "DOCUMENTS_AT_ONCE", 7)
    unfinished = tmp_path / "unfinished"
    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "en", interrupted(), words, {"source": 1}, unfinished, 0)
    with open(unfinished / "tokens.bin", "r+b") as file:
        if change == "lost":
            file.truncate(8)
        if change == "more":
            file.seek(0, os.SEEK_END)
            file.write(b"written after the last entry of the journal")
    facts = {"source": 2 if change == "facts" else 1}
    tokenizer = train_tokenizer(lines["fr"], 120, lowercase=False) if change == "tokenizer" else words
    with caplog.at_level("INFO", "camembert"):
        write_shard(tmp_path / "en", lines["en"], tokenizer, facts, unfinished)
    write_shard(tmp_path / "fresh", lines["en"], tokenizer, facts)
    assert ("continuing after 119 documents" in caplog.text) == (change in (None, "more"))
    assert contents(tmp_path / "en") == contents(tmp_path / "fresh")
    assert not unfinished.exists()


@pytest.mark.parametrize("content", ["", "\n \n\t\n", "one line\n"])
def test_empty_text_is_refused_by_name(content, words, tmp_path):
    (tmp_path / "th.txt").write_text(content)
    with pytest.raises(CorpusError, match=r"too little text for .*th: expected at least two documents"):
        write_shard(tmp_path / "th", read_documents([tmp_path / "th.txt"]), words, {}, tmp_path / "unfinished")
    assert [path.name for path in tmp_path.iterdir()] == ["th.txt"]


# --- reading --------------------------------------------------------------------------------------------------


def test_a_shard_gives_back_the_tokens_of_every_document(lines, words, tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "DOCUMENTS_AT_ONCE", 7)
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
