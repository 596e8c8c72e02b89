"""What a number came from."""

import inspect
import subprocess

import pytest

from camembert.core.provenance import hash_code, read_commit
from camembert.tokens import corpora
from camembert.training import distillation, finetuning, pretraining

TRAININGS = {"distillation": distillation, "finetuning": finetuning, "pretraining": pretraining}


def test_the_hash_of_code_is_that_of_the_code():
    hashes = {name: hash_code(module) for name, module in TRAININGS.items()}
    assert len(set(hashes.values())) == 3
    assert hashes == {name: hash_code(module) for name, module in TRAININGS.items()}


@pytest.mark.parametrize(
    ("changed", "whose"),
    [
        ("training.loop", {"distillation", "finetuning", "pretraining"}),
        ("runtime.checkpoint", {"distillation", "finetuning", "pretraining"}),
        ("tokens.packing", {"distillation", "finetuning", "pretraining"}),  # encoder.py names its rows
        ("training.packed_text", {"distillation", "pretraining"}),
        ("plan.losses", {"distillation", "finetuning"}),  # soft labels
        ("paper.tables.summary", set()),
    ],
)
def test_the_hash_of_code_changes_with_all_that_the_code_uses(monkeypatch, changed, whose):
    before = {name: hash_code(module) for name, module in TRAININGS.items()}
    source = inspect.getsource
    name = f"camembert.{changed}"
    monkeypatch.setattr("inspect.getsource", lambda m: source(m) + "\nmore = 1\n" * (m.__name__ == name))
    assert {name for name, module in TRAININGS.items() if hash_code(module) != before[name]} == whose


def test_comments_and_docstrings_leave_the_hash_of_code_as_it_is(monkeypatch):
    before, source = hash_code(distillation), inspect.getsource
    said = {"    Args:\n": "    Given:\n", '"""Share of the documents': '"""What share of the documents'}
    assert "    Args:\n" in source(distillation)
    assert '"""Share of the documents' in source(corpora)

    def said_otherwise(module):
        text = source(module)
        for words, others in said.items():
            text = text.replace(words, others)
        return text + "# more\n"

    monkeypatch.setattr("inspect.getsource", said_otherwise)
    assert hash_code(distillation) == before


def test_the_commit_is_the_one_checked_out_and_says_whether_files_differ(tmp_path):
    def git(*words):
        return subprocess.run(
            ["git", "-C", tmp_path, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "code.py").write_text("one = 1\n")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "one")
    git("tag", "v1")
    assert read_commit(tmp_path) == git("rev-parse", "HEAD")[:12]
    (tmp_path / "code.py").write_text("one = 2\n")
    assert read_commit(tmp_path) == git("rev-parse", "HEAD")[:12] + "-dirty"


def test_there_is_no_commit_of_files_outside_a_repository_or_in_another_s(monkeypatch, tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "vendored").mkdir()
    assert read_commit(tmp_path / "vendored") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_commit(tmp_path) is None
