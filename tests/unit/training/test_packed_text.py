"""Batches of packed text whose tokens are masked."""

import numpy as np
import pytest
import torch

from camembert.tokens.packing import PackedRows
from camembert.training.packed_text import IGNORED, mask_tokens, packed_batches


def rows_of_words(special, rows: int = 800, tokens: int = 100) -> PackedRows:
    """Rows of one long pair each, and padding."""
    draw = np.random.default_rng(0)
    token = draw.integers(5, special.vocabulary, size=(rows, tokens))
    document, segment = np.zeros_like(token), np.zeros_like(token)
    token[:, 0], token[:, 70], token[:, 79], token[:, 80:] = special.cls, special.sep, special.sep, special.pad
    segment[:, 71:80], document[:, 80:] = 1, -1
    return PackedRows(token, segment, np.tile(np.arange(tokens), (rows, 1)), document)


def noise_for(rows: PackedRows) -> np.ndarray:
    return np.random.default_rng(1).random((3, *rows.token.shape))


@pytest.mark.parametrize("share", [0.15, 0.3])
def test_every_row_masks_a_share_of_its_length_and_any_token_may_be_among_them(special, share):
    rows = rows_of_words(special)
    chosen = mask_tokens(rows, special, share, noise_for(rows))[1] != IGNORED
    assert (chosen.sum(axis=1) == round(share * 100)).all()
    words = (rows.real & (rows.token != special.cls) & (rows.token != special.sep))[0]
    assert words.sum() == 77
    assert chosen.mean(axis=0)[words] == pytest.approx(round(share * 100) / 77, abs=0.08)


def test_a_row_of_fewer_tokens_has_them_all_masked(special):
    rows = rows_of_words(special, rows=2)
    rows.document[0, 10:], rows.token[0, 9], rows.token[0, 10:] = -1, special.sep, special.pad
    chosen = mask_tokens(rows, special, 0.3, noise_for(rows))[1] != IGNORED
    assert chosen[0].tolist() == [False] + [True] * 8 + [False] * 91
    assert chosen[1].sum() == 30


@pytest.mark.parametrize("share", [0.15, 0.3])
def test_masked_tokens_become_what_they_become_in_bert(special, share):
    rows = rows_of_words(special)
    inputs, targets = mask_tokens(rows, special, share, noise_for(rows))
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
    inputs, targets = mask_tokens(rows, special, 1.0, noise_for(rows))
    words = rows.real & (rows.token != special.cls) & (rows.token != special.sep)
    assert (targets[words] == rows.token[words]).all()
    assert (targets[~words] == IGNORED).all()
    assert (inputs[~words] == rows.token[~words]).all()


def test_a_masked_batch_depends_on_the_seed_and_its_number_alone(batches):
    one, again, next_one = (packed_batches(batches, 0.3)(step) for step in (3, 3, 4))
    for key in ("token", "segment", "position", "document", "target"):
        assert torch.equal(one[key], again[key])
    assert not torch.equal(one["token"], next_one["token"])
    assert one["masked"].tolist() == (one["target"].flatten() != IGNORED).nonzero()[:, 0].tolist()
    assert one["targets"] == int((one["target"] != IGNORED).sum())
    assert one["real_tokens"] == int((one["document"] >= 0).sum())


@pytest.mark.parametrize("share", [0.15, 0.9])
def test_processes_that_share_a_masked_batch_have_the_rows_and_the_count_that_one_has(batches, share):
    whole = packed_batches(batches, share)(3)
    for rank in range(3):
        own = slice(rank, None, 3)
        part = packed_batches(batches, share, own)(3)
        for key in ("token", "segment", "position", "document", "target"):
            assert torch.equal(part[key], whole[key][own])
            assert part[key].is_contiguous()
        assert torch.equal(part["target"].flatten()[part["masked"]], part["target"][part["target"] != IGNORED])
        assert part["targets"] == whole["targets"] == int((whole["target"] != IGNORED).sum())
