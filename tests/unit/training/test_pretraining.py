"""Masked language modelling."""

import numpy as np
import pytest
import torch

from camembert.models.encoder import load_encoder, load_mlm_head
from camembert.training.loop import Schedule, TrainingResult
from camembert.training.packed_text import BATCHES, IGNORED, packed_batches
from camembert.training.pretraining import MaskedLanguageModel, pretraining_objective

# --- the model ------------------------------------------------------------------------------------------------


def test_the_loss_is_cross_entropy_over_the_full_vocabulary_at_the_masked_tokens(make_encoder, batches):
    """Every document alone, every position through the head, a softmax and a logarithm in double precision."""
    model = MaskedLanguageModel(make_encoder(2)).eval()
    with torch.no_grad():
        model.head.predictions.bias.normal_()
    batch = packed_batches(batches, 0.3)(0)
    with torch.no_grad():
        loss = pretraining_objective(model, 0.0)(batch)["loss"].item()
    surprises = []
    for row, documents in enumerate(batch["document"]):
        for number in range(int(documents.max()) + 1):
            here = documents == number
            with torch.no_grad():
                top = model.encoder(
                    batch["token"][row, here][None], token_type_ids=batch["segment"][row, here][None]
                ).last_hidden_state[0]
                hidden = model.head.predictions.transform(top).double()
            logits = hidden @ model.encoder.embeddings.word_embeddings.weight.double().T + model.head.predictions.bias
            for scores, target in zip(logits.detach().numpy(), batch["target"][row, here].tolist(), strict=True):
                if target != IGNORED:
                    probabilities = np.exp(scores - scores.max())
                    surprises.append(-np.log(probabilities[target] / probabilities.sum()))
    assert len(surprises) == int((batch["target"] != IGNORED).sum()) > 10
    assert loss == pytest.approx(np.mean(surprises), rel=1e-5)


def test_the_sentence_level_loss_is_the_surprise_at_a_documents_words_given_its_pooled_cls(make_encoder, batches):
    model = MaskedLanguageModel(make_encoder(2)).eval()
    batch = packed_batches(batches, 0.3)(0)
    plain = batches.batch(0)
    with torch.no_grad():
        parts = pretraining_objective(model, 0.5)(batch)
        surprises = []
        for row, documents in enumerate(batch["document"]):
            for number in range(int(documents.max()) + 1):
                here = documents == number
                inputs, segments = batch["token"][row, here][None], batch["segment"][row, here][None]
                pooled = model.encoder(inputs, token_type_ids=segments).pooler_output
                scores = model.head(pooled)[0].log_softmax(-1)
                words = torch.from_numpy(plain.token[row][here.numpy() & plain.text[row]])
                surprises += (-scores[words]).tolist()
    assert len(surprises) == batch["words"]
    assert parts["bag_of_words"].item() == pytest.approx(np.mean(surprises), rel=1e-5)
    assert parts["loss"].item() == pytest.approx(parts["masked_lm"].item() + 0.5 * np.mean(surprises), rel=1e-5)


def test_the_head_shares_the_word_embeddings(make_encoder):
    model = MaskedLanguageModel(make_encoder(1))
    assert model.head.predictions.decoder.weight is model.encoder.embeddings.word_embeddings.weight
    assert model.head.predictions.decoder.bias is model.head.predictions.bias
    names = [name for name, _ in model.named_parameters() if "decoder" in name]
    assert names == [], "a shared tensor is trained, saved and decayed once"


# --- a whole pre-training -------------------------------------------------------------------------------------


def test_the_loss_falls(pretraining, tmp_path):
    schedule = Schedule(150, learning_rate=1e-2, warmup_ratio=0.1, weight_decay=0.0)
    run = pretraining(output=tmp_path / "1", schedule=schedule, dropout=0.0)
    losses = {
        split: [row["masked_lm"] for row in run.curve if row["split"] == split] for split in ("train", "held-out")
    }
    assert losses["train"][0] == pytest.approx(np.log(160), abs=0.3), "at first, a guess among all words"
    assert np.mean(losses["train"][-5:]) < 0.8 * losses["train"][0]
    assert losses["held-out"][-1] < losses["held-out"][1] < losses["train"][0]


def test_what_is_saved_is_what_was_trained(pretraining, batches, tmp_path):
    """The encoder and head on disk have the held-out loss of the curve's last row."""
    run = pretraining(output=tmp_path / "1")
    model = MaskedLanguageModel(load_encoder(tmp_path / "1")).eval()
    head = load_mlm_head(tmp_path / "1")
    assert head is not None
    missing = model.head.load_state_dict(head, strict=False)
    assert missing.unexpected_keys == []
    assert {key for key in missing.missing_keys if "decoder" not in key} == set()
    held_out = packed_batches(batches.held_out(), 0.3)
    with torch.no_grad():
        losses = [pretraining_objective(model, 0.5)(held_out(i))["loss"].item() for i in range(BATCHES)]
    assert run.curve[-1]["split"] == "held-out"
    assert run.curve[-1]["loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_no_steps_leave_random_weights_that_the_seed_decides(pretraining, tmp_path):
    saved = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        run = pretraining(
            output=tmp_path / name,
            checkpoints=tmp_path / "checkpoints",
            schedule=Schedule(0, 1e-2, 0.1, 0.0),
            seed=seed,
        )
        assert run == TrainingResult()
        saved.append((tmp_path / name / "model.safetensors").read_bytes())
    assert saved[0] == saved[1] != saved[2]
    assert not (tmp_path / "checkpoints").exists()


def test_masked_language_modelling_alone_leaves_the_pooler_and_trains_the_rest(pretraining, tmp_path):
    pretraining(output=tmp_path / "1", bag_of_words=0.0)
    pretraining(output=tmp_path / "random", schedule=Schedule(0, 1e-2, 0.1, 0.0))
    after, before = (load_encoder(tmp_path / name).state_dict() for name in ("1", "random"))
    same = {name for name in after if torch.equal(after[name], before[name])}
    assert same - {name for name in after if name.endswith("key.bias")} == {"pooler.dense.weight", "pooler.dense.bias"}
