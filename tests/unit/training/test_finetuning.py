"""Fine-tuning: which weights are kept, and which are trained."""

import pytest
from safetensors.torch import load_file

from camembert.training.finetuning import kept


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_step_and_accuracy_that_are_reported_are_those_of_the_kept_weights(keep, finetuning, tmp_path):
    run = finetuning(output=tmp_path / keep, checkpoints=tmp_path / "checkpoints", keep=keep)
    dev = [(row["step"], row["accuracy"]) for row in run.curve if row["split"] == "dev"]
    assert len(dev) == 4
    expected = dev[-1] if keep == "last" else max(dev, key=lambda row: (row[1], -row[0]))
    assert kept(run) == expected


def changed(before, after):
    """The parts of an encoder whose weights differ: embeddings, pooler, layers counted from 1."""
    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    names = [name for name, weight in old.items() if not weight.equal(new[f"bert.{name}"])]
    return {int(name.split(".")[2]) + 1 if ".layer." in name else name.split(".")[0] for name in names}


@pytest.mark.parametrize(
    ("trained_layers", "expected"),
    [
        (None, {"embeddings", 1, 2, 3, "pooler"}),
        (9, {1, 2, 3, "pooler"}),
        (1, {3, "pooler"}),
        (0, {"pooler"}),
    ],
)
def test_what_lies_below_the_trained_layers_stays_as_it_was(
    trained_layers, expected, finetuning, teacher_folder, tmp_path
):
    finetuning(
        output=tmp_path / "out", checkpoints=tmp_path / "checkpoints", keep="last", trained_layers=trained_layers
    )
    assert changed(teacher_folder, tmp_path / "out") == expected
