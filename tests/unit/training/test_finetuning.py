"""Fine-tuning: which weights are kept, and which are trained."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, BertConfig, XLMRobertaConfig

from camembert.models.classifier import find_pooling, standardise_pooling


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_step_and_accuracy_that_are_reported_are_those_of_the_kept_weights(keep, finetuning, tmp_path):
    run = finetuning(output=tmp_path / keep, checkpoints=tmp_path / "checkpoints", keep=keep)
    dev = [(row["step"], row["accuracy"]) for row in run.curve if row["split"] == "dev"]
    assert len(dev) == 4
    expected = dev[-1] if keep == "last" else max(dev, key=lambda row: (row[1], -row[0]))
    assert (run.best["step"], run.best["score"]) == expected


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


@pytest.mark.parametrize("config", [BertConfig, XLMRobertaConfig])
def test_a_standardised_pooler_hands_on_first_states_of_mean_0_and_half_a_deviation(config):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    classifier = AutoModelForSequenceClassification.from_config(config(vocab_size=50, num_labels=3, **sizes)).eval()
    tokens, handed_on = torch.randint(3, 50, (200, 7)), []
    with torch.no_grad():
        standardise_pooling(classifier, lambda: classifier(tokens))
        find_pooling(classifier).register_forward_hook(lambda module, inputs, output: handed_on.append(output))
        classifier(tokens)
    assert handed_on[0].mean(0).numpy() == pytest.approx(0, abs=1e-4)
    assert handed_on[0].std(0).numpy() == pytest.approx(0.5, abs=1e-4)


def test_a_fine_tuning_from_a_standardised_pooler_starts_elsewhere(finetuning, teacher_folder, tmp_path):
    poolers = {}
    for pooler in ("standardised", "identity"):
        finetuning(
            output=tmp_path / pooler,
            checkpoints=tmp_path / f"checkpoints-{pooler}",
            keep="last",
            pooler=pooler,
            learning_rate=1e-9,
        )
        poolers[pooler] = load_file(tmp_path / pooler / "model.safetensors")["bert.pooler.dense.weight"]
    assert poolers["identity"].diagonal().numpy() == pytest.approx(1, abs=1e-4)
    assert poolers["standardised"].diagonal().std() > 1e-2
    off_diagonal = poolers["standardised"] - torch.diag(poolers["standardised"].diagonal())
    assert off_diagonal.abs().max() < 1e-4


def test_the_log_says_how_many_training_texts_are_cut(finetuning, tmp_path, caplog):
    caplog.set_level("INFO")
    finetuning(output=tmp_path / "out", checkpoints=tmp_path / "checkpoints", max_length=4)
    assert "100.0 % of the training texts have 4 tokens, where longer ones are cut" in caplog.text
