"""A tokenizer cut to the tokens of some texts reads these texts as before, under new numbers."""

import numpy as np
import pytest
from checkpoints import KINDS, save_checkpoint

from camembert.models.encoder import load_encoder, load_mlm_head
from camembert.models.teacher import import_teacher
from camembert.plan.teachers import SIZES, first_position, longest_input, read_model_config, read_sizes
from camembert.tokens.given_tokenizer import import_tokenizer
from camembert.tokens.tokenizer import load_tokenizer, special_tokens
from camembert.tokens.trimming import VocabularyError, read_teacher_rows, trim_tokenizer

READ = ["the red house sees a cat", "дом и кот видят сад", "the cat and the garden"]
OTHER = ["a quick brown fox jumps", "быстрая лиса прыгает", "houses, gardens, foxes!"]
TEXT = (READ + OTHER) * 4


@pytest.fixture
def tokenizers(tmp_path):
    """Imports the tokenizer of a kind of checkpoint twice, and cuts the second: folders, and how many are kept."""

    def make(kind, vocabulary):
        save_checkpoint(kind, tmp_path / "checkpoint", TEXT)
        config = read_model_config(tmp_path / "checkpoint")
        for name in ("whole", "trimmed"):
            import_tokenizer(tmp_path / "checkpoint", tmp_path / name, config)
        kept = trim_tokenizer(tmp_path / "trimmed", READ, vocabulary, first_position(config))
        return tmp_path / "whole", tmp_path / "trimmed", kept

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_covered_text_has_the_same_ids_renumbered(kind, tokenizers):
    whole, trimmed, kept = tokenizers(kind, "used")
    before, after, rows = load_tokenizer(whole), load_tokenizer(trimmed), read_teacher_rows(trimmed)
    assert len(rows) == kept == after.get_vocab_size() < before.get_vocab_size()
    for text in [*READ, (READ[0], READ[1])]:
        one, other = (each.encode(*([text] if isinstance(text, str) else text)) for each in (before, after))
        assert rows[other.ids].tolist() == one.ids
        assert (other.tokens, other.type_ids) == (one.tokens, one.type_ids)


def test_a_number_keeps_special_tokens_and_the_most_frequent(tokenizers):
    whole, trimmed, _ = tokenizers("xlm-roberta", "used")
    counts = np.bincount([i for text in READ for i in load_tokenizer(whole).encode(text, add_special_tokens=False).ids])
    all_used = read_teacher_rows(trimmed)
    whole, trimmed, kept = tokenizers("xlm-roberta", 20)
    rows, tokenizer = read_teacher_rows(trimmed), load_tokenizer(trimmed)
    assert len(rows) == kept == tokenizer.get_vocab_size() == 20
    assert set(special_tokens(whole).values()) <= set(tokenizer.get_vocab())
    chosen = [counts[row] for row in rows if row < len(counts) and counts[row]]
    left_out = [counts[row] for row in set(all_used) - set(rows) if row < len(counts)]
    assert chosen
    assert min(chosen) >= max(left_out)


@pytest.mark.parametrize(
    ("kind", "number", "said"),
    [
        ("roberta", 120, "teacher.vocabulary is 120, expected used: the tokenizer is BPE"),
        ("xlm-roberta", 3, "teacher.vocabulary is 3, expected at least 6"),
    ],
)
def test_a_number_that_cannot_be_is_refused(kind, number, said, tokenizers):
    with pytest.raises(VocabularyError, match=said):
        tokenizers(kind, number)


@pytest.mark.parametrize("kind", KINDS)
def test_the_teacher_s_embedding_and_head_are_cut_alike(kind, tokenizers, tmp_path):
    import torch

    whole, trimmed, kept = tokenizers(kind, "used")
    folder = tmp_path / "checkpoint"
    declared = {key: size for key, size in read_sizes(folder).items() if key in SIZES}
    rows, outputs = read_sizes(folder)["vocab_size"], []
    for name, tokens in (("one", whole), ("other", trimmed)):
        import_teacher(folder, tokens, tmp_path / name, declared, rows)
        encoder = load_encoder(tmp_path / name).eval()
        ids = torch.tensor([load_tokenizer(tokens).encode(READ[0]).ids])
        with torch.inference_mode():
            outputs.append(encoder(ids).last_hidden_state)
    assert (encoder.config.vocab_size, longest_input(encoder.config.to_dict())) == (kept, declared["max_length"])
    torch.testing.assert_close(*outputs)
    one, other = (load_mlm_head(tmp_path / name) for name in ("one", "other"))
    assert set(one) == set(other)
    (bias,) = (key for key, weight in one.items() if len(weight) == rows)
    torch.testing.assert_close(other[bias], one[bias][torch.from_numpy(read_teacher_rows(trimmed))])
