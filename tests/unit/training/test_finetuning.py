"""Fine-tuning: which weights are kept."""

import pytest

from camembert.training.finetuning import kept


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_step_and_accuracy_that_are_reported_are_those_of_the_kept_weights(keep, finetuning, tmp_path):
    run = finetuning(output=tmp_path / keep, checkpoints=tmp_path / "checkpoints", keep=keep)
    dev = [(row["step"], row["accuracy"]) for row in run.curve if row["split"] == "dev"]
    assert len(dev) == 4
    expected = dev[-1] if keep == "last" else max(dev, key=lambda row: (row[1], -row[0]))
    assert kept(run) == expected
