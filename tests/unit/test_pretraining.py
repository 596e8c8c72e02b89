"""Masked language modelling."""

import numpy as np
import pytest
import torch

from camembert.corpus import PackedRows, Shard, TextBatches
from camembert.encoder import load_encoder, load_mlm_head
from camembert.pretraining import (
    IGNORED,
    MaskedLanguageModel,
    mask_tokens,
    masked_batch,
    masked_language_modelling,
)
from camembert.training import Run, Schedule


@pytest.fixture
def batches(corpus, special):
    return TextBatches([Shard(path) for path in corpus.values()], special, 4, 32, 0.7, seed=0)


def rows_of_words(special, rows: int = 800, tokens: int = 100) -> PackedRows:
    """Rows of one long document each, and padding."""
    draw = np.random.default_rng(0)
    token = draw.integers(5, special.vocabulary, size=(rows, tokens))
    document = np.zeros_like(token)
    token[:, 0], token[:, 70], token[:, 80:], document[:, 80:] = special.cls, special.sep, special.pad, -1
    return PackedRows(token, np.zeros_like(token), np.zeros_like(token), document)


# --- masking --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.15, 0.3])
def test_every_row_hides_a_share_of_its_places_and_any_word_may_be_among_them(special, share):
    rows = rows_of_words(special)
    chosen = mask_tokens(rows, special, share, np.random.default_rng(1))[1] != IGNORED
    assert (chosen.sum(axis=1) == round(share * 100)).all()
    words = (rows.real & (rows.token != special.cls) & (rows.token != special.sep))[0]
    assert words.sum() == 78
    assert chosen.mean(axis=0)[words] == pytest.approx(round(share * 100) / 78, abs=0.08)


def test_a_row_of_fewer_words_hides_them_all(special):
    rows = rows_of_words(special, rows=2)
    rows.document[0, 10:], rows.token[0, 10:] = -1, special.pad
    chosen = mask_tokens(rows, special, 0.3, np.random.default_rng(1))[1] != IGNORED
    assert chosen[0].tolist() == [False] + [True] * 9 + [False] * 90
    assert chosen[1].sum() == 30


@pytest.mark.parametrize("share", [0.15, 0.3])
def test_hidden_words_become_what_they_become_in_bert(special, share):
    rows = rows_of_words(special)
    inputs, targets = mask_tokens(rows, special, share, np.random.default_rng(1))
    chosen = targets != IGNORED
    masked = inputs[chosen] == special.mask
    kept = inputs[chosen] == rows.token[chosen]
    assert masked.mean() == pytest.approx(0.8 + 0.1 / special.vocabulary, abs=0.01)
    assert kept.mean() == pytest.approx(0.1 + 0.1 / special.vocabulary, abs=0.01)
    swapped = inputs[chosen][~masked & ~kept]
    assert len(swapped) / chosen.sum() == pytest.approx(0.1, abs=0.01)
    assert len(np.unique(swapped)) > 0.9 * special.vocabulary, "drawn from the whole vocabulary"


def test_special_tokens_and_padding_are_never_chosen(special):
    rows = rows_of_words(special)
    inputs, targets = mask_tokens(rows, special, 1.0, np.random.default_rng(1))
    words = rows.real & (rows.token != special.cls) & (rows.token != special.sep)
    assert (targets[words] == rows.token[words]).all()
    assert (targets[~words] == IGNORED).all()
    assert (inputs[~words] == rows.token[~words]).all()


def test_nothing_is_to_be_predicted_where_nothing_was_chosen(special):
    rows = rows_of_words(special)
    inputs, targets = mask_tokens(rows, special, 0.3, np.random.default_rng(1))
    chosen = targets != IGNORED
    assert (targets[chosen] == rows.token[chosen]).all()
    assert (inputs[~chosen] == rows.token[~chosen]).all()


def test_a_masked_batch_depends_on_the_seed_and_its_number_alone(batches):
    one, again, next_one = masked_batch(batches, 0.3)(3), masked_batch(batches, 0.3)(3), masked_batch(batches, 0.3)(4)
    for key in ("token", "segment", "position", "document", "target"):
        assert torch.equal(one[key], again[key])
    assert not torch.equal(one["token"], next_one["token"])
    assert one["real_tokens"] == int((one["document"] >= 0).sum())


# --- the model ------------------------------------------------------------------------------------------------


def test_the_loss_is_cross_entropy_over_the_full_vocabulary_at_the_hidden_tokens(make_encoder, batches):
    """Every document alone, every position through the head, a softmax and a logarithm in double precision."""
    model = MaskedLanguageModel(make_encoder(2)).eval()
    with torch.no_grad():
        model.head.predictions.bias.normal_()
    batch = masked_batch(batches, 0.3)(0)
    with torch.no_grad():
        loss = masked_language_modelling(model)(batch)["loss"].item()
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


def test_the_head_shares_the_word_embeddings(make_encoder):
    model = MaskedLanguageModel(make_encoder(1))
    assert model.head.predictions.decoder.weight is model.encoder.embeddings.word_embeddings.weight
    assert model.head.predictions.decoder.bias is model.head.predictions.bias
    names = [name for name, _ in model.named_parameters() if "decoder" in name]
    assert names == [], "a shared tensor is trained, saved and decayed once"


def test_both_uses_of_the_embeddings_reach_their_gradient(make_encoder, batches):
    model = MaskedLanguageModel(make_encoder(1))
    batch = masked_batch(batches, 0.3)(0)
    masked_language_modelling(model)(batch)["loss"].backward()
    gradient = model.encoder.embeddings.word_embeddings.weight.grad
    unread = sorted(set(range(gradient.shape[0])) - set(batch["token"].unique().tolist()))
    assert gradient[unread].any(dim=1).all(), "as outputs, all words compete"
    assert gradient[4].any(), "[MASK] as an input"


# --- a whole pre-training -------------------------------------------------------------------------------------


def test_the_loss_falls(pretraining, tmp_path):
    schedule = Schedule(150, learning_rate=1e-2, warmup=0.1, weight_decay=0.0)
    run = pretraining(
        output=tmp_path / "1",
        checkpoints=tmp_path / "checkpoints",
        schedule=schedule,
        dropout=0.0,
        checkpoint_seconds=60,
    )
    losses = {
        split: [row["masked_lm"] for row in run.curve if row["split"] == split] for split in ("train", "held-out")
    }
    assert losses["train"][0] == pytest.approx(np.log(160), abs=0.3), "at first, a guess among all words"
    assert np.mean(losses["train"][-5:]) < 0.8 * losses["train"][0]
    assert losses["held-out"][-1] < losses["held-out"][0] < losses["train"][0]


def test_what_is_saved_is_what_was_trained(pretraining, batches, tmp_path):
    """The encoder and head on disk have the held-out loss of the curve's last row."""
    run = pretraining(output=tmp_path / "1", checkpoints=tmp_path / "checkpoints")
    model = MaskedLanguageModel(load_encoder(tmp_path / "1")).eval()
    head = load_mlm_head(tmp_path / "1")
    assert head is not None
    missing = model.head.load_state_dict(head, strict=False)
    assert missing.unexpected_keys == []
    assert {key for key in missing.missing_keys if "decoder" not in key} == set()
    held_out = masked_batch(TextBatches(batches.shards, batches.special, 4, 32, 0.7, seed=1).held_out(), 0.3)
    with torch.no_grad():
        losses = [masked_language_modelling(model)(held_out(i))["loss"].item() for i in range(8)]
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
        assert run == Run()
        saved.append((tmp_path / name / "model.safetensors").read_bytes())
    assert saved[0] == saved[1] != saved[2]
    assert not (tmp_path / "checkpoints").exists()


def test_pretraining_leaves_the_pooler_and_trains_the_rest(pretraining, tmp_path):
    pretraining(output=tmp_path / "1", checkpoints=tmp_path / "checkpoints")
    pretraining(output=tmp_path / "random", checkpoints=tmp_path / "checkpoints", schedule=Schedule(0, 1e-2, 0.1, 0.0))
    after, before = (load_encoder(tmp_path / name).state_dict() for name in ("1", "random"))
    same = {name for name in after if torch.equal(after[name], before[name])}
    assert same - {name for name in after if name.endswith("key.bias")} == {"pooler.dense.weight", "pooler.dense.bias"}
