"""The example of a distillation by hand."""

import runpy
from pathlib import Path

from transformers import AutoModel

ROOT = Path(__file__).parents[3]


def test_a_distillation_by_hand_leaves_a_student_that_transformers_loads(
    teacher_folder, lines, tmp_path, monkeypatch, caplog
):
    for language, sentences in lines.items():
        (tmp_path / f"{language}.txt").write_text("\n".join(sentences), encoding="utf-8")
    monkeypatch.chdir(ROOT)
    arguments = [teacher_folder, tmp_path, tmp_path / "student", 2, 3]
    monkeypatch.setattr("sys.argv", ["distill_by_hand.py", *map(str, arguments)])
    caplog.set_level("INFO")
    runpy.run_path(str(ROOT / "examples" / "distill_by_hand.py"))
    assert "training: step 3 of 3 (100 %), loss" in caplog.text
    assert AutoModel.from_pretrained(tmp_path / "student").config.num_hidden_layers == 2
