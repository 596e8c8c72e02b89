"""The example of a distillation by hand."""

import gzip
import runpy
import sys
from pathlib import Path

import pytest
import torch
from checkpoints import save_checkpoint
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

EXAMPLE = Path(__file__).parents[3] / "examples" / "distill_by_hand.py"


@pytest.fixture
def distil_by_hand(lines, tmp_path, monkeypatch):
    """Runs the example in a folder of its own, on the sentences of every language in `text`."""
    (tmp_path / "text").mkdir()
    for language, sentences in lines.items():
        (tmp_path / "text" / f"{language}.txt").write_text("\n".join(sentences), encoding="utf-8")
    (tmp_path / "text" / "fr.txt.gz").write_bytes(gzip.compress((tmp_path / "text" / "fr.txt").read_bytes()))
    (tmp_path / "text" / "fr.txt").unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(teacher, text="text", student="student"):
        monkeypatch.setattr(sys, "argv", ["distill_by_hand.py", str(teacher), text, student, "2", "3"])
        runpy.run_path(str(EXAMPLE))

    return run


@pytest.mark.parametrize("kind", [None, "minilm"])
def test_a_distillation_by_hand_leaves_a_student_that_transformers_loads(
    distil_by_hand, kind, teacher_folder, lines, tmp_path, caplog, capsys
):
    """Of an encoder of the workflow, and of a folder as the hub has it, whose config names another padding."""
    if kind:
        save_checkpoint(kind, tmp_path / "teacher", [line for text in lines.values() for line in text])
    caplog.set_level("INFO")
    distil_by_hand(tmp_path / "teacher" if kind else teacher_folder, student="student/")
    assert "training: step 3 of 3 (100 %), loss" in caplog.text
    assert AutoModel.from_pretrained(tmp_path / "student").config.num_hidden_layers == 2
    assert (tmp_path / "student" / "mlm_head.safetensors").is_file()
    assert {path.name for path in tmp_path.iterdir()} <= {"student", "teacher", "text"}
    copied, distilled, *_ = capsys.readouterr().out.splitlines()
    assert copied.startswith("held-out losses of the copied layers: loss ")
    assert distilled.startswith("held-out losses of the student: loss ")


def centred_vectors(folder, sentences):
    """Of each sentence, run alone, the mean of its top states, less the mean of all; of length 1."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    with torch.no_grad():
        states = [model(**tokenizer(each, return_tensors="pt")).last_hidden_state[0].mean(0) for each in sentences]
    return normalize(torch.stack(states) - torch.stack(states).mean(0))


def test_student_and_teacher_are_compared_by_the_vectors_of_the_last_sentences(
    distil_by_hand, teacher_folder, lines, tmp_path, capsys
):
    distil_by_hand(teacher_folder)
    *_, cosine, nearest = capsys.readouterr().out.splitlines()
    sentences = list(dict.fromkeys(line for language in ("de", "en", "fr") for line in lines[language][-50:]))
    learned, taught = (centred_vectors(folder, sentences) for folder in (tmp_path / "student", teacher_folder))
    assert float(cosine.rpartition(" ")[2]) == pytest.approx((learned * taught).sum(1).mean().item(), abs=6e-4)
    right = (learned @ taught.T).argmax(1) == torch.arange(len(sentences))
    assert nearest.endswith(f" {right.float().mean():.1%}")


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"student": "text"}, "text is there already, expected a new folder for the student; name another"),
        ({"text": "nothing"}, "nothing has no text, expected XX.txt or XX.txt.gz, a file a language; correct the path"),
    ],
)
def test_what_cannot_be_distilled_is_said_in_a_sentence_and_nothing_is_touched(
    distil_by_hand, teacher_folder, tmp_path, capsys, places, message
):
    with pytest.raises(SystemExit):
        distil_by_hand(teacher_folder, **places)
    assert capsys.readouterr().err.endswith(f"error: {message}\n")
    assert {path.name for path in (tmp_path / "text").iterdir()} == {"de.txt", "en.txt", "fr.txt.gz"}
