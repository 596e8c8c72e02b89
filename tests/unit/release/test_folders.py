"""A trimmed model says on text of its languages what the whole one says, and can still read other text."""

import json
import warnings
from itertools import pairwise

import numpy as np
import pytest
from checkpoints import KINDS, import_checkpoint
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from camembert.data.tasks import Example, write_examples
from camembert.evaluation.classification import load_predictor, text_predictor
from camembert.models.classifier import init_classifier, load_classifier
from camembert.models.encoder import save_model
from camembert.release.folders import count_occurrences, find_tokens, trim_model
from camembert.tokens.corpora import write_shard
from camembert.tokens.tokenizer import SPECIAL_TOKENS, load_tokenizer, token_id
from camembert.tokens.trimming import VocabularyError, _renumbered, select_tokens

KEPT = ("en", "de")


def logits(folder, text):
    pairs = [Example("", a, b, 0) for a, b in pairwise(text)]
    return text_predictor(load_predictor(folder, threads=1), folder, 32, 256)(pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trimmed_model_reads_kept_languages_as_before_and_others_in_shorter_tokens(kind, lines, tmp_path):
    import_checkpoint(kind, tmp_path, [text for each in lines.values() for text in each])
    whole, trimmed = tmp_path / "whole", tmp_path / "trimmed"
    classifier = init_classifier(tmp_path / "encoder", ["yes", "no"], dropout=0.0, seed=1)
    save_model(classifier, whole, tmp_path / "encoder")
    tokenizer = load_tokenizer(whole)
    for language in KEPT:
        write_shard(tmp_path / language, lines[language], tokenizer, {})
    kept = find_tokens(whole, [tmp_path / language for language in KEPT], [])
    trim_model(whole, kept, trimmed)
    smaller = load_tokenizer(trimmed)
    assert smaller.get_vocab_size() == len(kept) < tokenizer.get_vocab_size()
    for language in KEPT:
        before, after = (each.encode_batch(lines[language]) for each in (tokenizer, smaller))
        assert [encoding.tokens for encoding in before] == [encoding.tokens for encoding in after]
        expected = logits(whole, lines[language])
        np.testing.assert_allclose(logits(trimmed, lines[language]), expected, atol=1e-5)
        assert np.ptp(expected, axis=0).min() > 1e-3, "the pairs differ, so an exchange would show"
    for text in (*lines["fr"], "naïve 日本"):
        before, after = tokenizer.encode(text), smaller.encode(text)
        assert len(after) >= len(before)
        assert after.tokens.count("<unk>") == before.tokens.count("<unk>")
        assert smaller.decode(after.ids) == tokenizer.decode(before.ids)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = AutoTokenizer.from_pretrained(trimmed)
        model = AutoModelForSequenceClassification.from_pretrained(trimmed)
    assert theirs("cats", "rouge")["input_ids"] == smaller.encode("cats", "rouge").ids
    assert (model.config.vocab_size, model.config.id2label[1]) == (len(kept), "no")
    assert model.config.pad_token_id == theirs.pad_token_id


# --- BERT's, in detail ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_model(teacher_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "classifier"
    save_model(init_classifier(teacher_folder, ["yes", "no"], dropout=0.0, seed=1), folder, teacher_folder)
    return folder


@pytest.fixture(scope="module")
def kept(whole_model, corpus):
    return find_tokens(whole_model, [corpus[language] for language in KEPT], [])


def test_special_tokens_get_their_new_numbers_wherever_they_are_written(whole_model, kept, tmp_path, lines):
    """As in mBERT: unused tokens before the special ones, a template around sentences, special tokens listed."""
    folder = tmp_path / "like-mbert"
    save_model(load_classifier(whole_model), folder, whole_model)
    tokenizer = load_tokenizer(folder)
    ids = {name: token_id(tokenizer, name) for name in ("[CLS]", "[SEP]")}
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", list(ids.items())
    )
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS.values()))
    tokenizer.enable_padding(pad_id=token_id(tokenizer, "[PAD]"))
    tokenizer.save(str(folder / "tokenizer.json"))
    unknown = token_id(tokenizer, "[UNK]")
    trim_model(folder, [number for number in kept if number != unknown], tmp_path / "trimmed")
    smaller = load_tokenizer(tmp_path / "trimmed")
    before, after = (each.encode_batch([("cats", lines["en"][0]), ("dogs", "cats")]) for each in (tokenizer, smaller))
    assert [e.tokens for e in before] == [e.tokens for e in after]
    assert [smaller.token_to_id(token) for e in after for token in e.tokens] == [i for e in after for i in e.ids]


def test_tokens_of_inference_data_count_as_used(whole_model, tmp_path):
    tokenizer = load_tokenizer(whole_model)
    write_examples([Example("a", "cats", "rouge", 0)], tmp_path / "pairs.parquet")
    counts = count_occurrences(tokenizer, [], [tmp_path / "pairs.parquet"])
    assert np.flatnonzero(counts).tolist() == sorted(tokenizer.encode("cats rouge", add_special_tokens=False).ids)


def test_a_number_of_rows_is_of_those_used_and_called_by_its_key(whole_model, corpus):
    shards = [corpus[language] for language in KEPT]
    used = find_tokens(whole_model, shards, [])
    assert find_tokens(whole_model, shards, [], 10**6) == used
    assert set(find_tokens(whole_model, shards, [], len(used) - 20)) < set(used)
    with pytest.raises(VocabularyError, match=r"release\.vocabulary is 3, expected at least 5, as many as"):
        find_tokens(whole_model, shards, [], 3)


def test_other_tokenizers_are_refused(whole_model, tmp_path):
    folder = tmp_path / "words"
    save_model(load_classifier(whole_model), folder, whole_model)
    text = (folder / "tokenizer.json").read_text().replace('"type":"WordPiece"', '"type":"WordLevel"')
    (folder / "tokenizer.json").write_text(text.replace('"type": "WordPiece"', '"type": "WordLevel"'))
    with pytest.raises(VocabularyError, match="is a WordLevel model; expected one of WordPiece, Unigram, BPE"):
        trim_model(folder, [0, 1, 2], tmp_path / "trimmed")


def renumbered(tokenizer, kept):
    """The tokenizer with the tokens that are kept."""
    number = {old: new for new, old in enumerate(kept)}
    return Tokenizer.from_str(json.dumps(_renumbered(json.loads(tokenizer.to_str()), number)))


def small_bpe(**settings):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **settings))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trained = {key: value for key, value in settings.items() if key != "byte_fallback"}
    bytes_ = [f"<0x{number:02X}>" for number in range(256)] if settings.get("byte_fallback") else []
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=["<unk>"], show_progress=False, **trained)
    tokenizer.train_from_iterator(["lower newest widest cats and dogs", "zebra quartz jumps"] * 9, trainer)
    if bytes_:
        state = json.loads(tokenizer.to_str())
        state["model"] |= {"byte_fallback": True}
        state["model"]["vocab"] |= {token: len(state["model"]["vocab"]) + i for i, token in enumerate(bytes_)}
        tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.post_processor = processors.TemplateProcessing("$A", "$A $B", [])
    return tokenizer


@pytest.mark.parametrize(
    "settings",
    [
        {"end_of_word_suffix": "</w>"},
        {"continuing_subword_prefix": "##"},
        {"continuing_subword_prefix": "@@", "end_of_word_suffix": "</w>"},
        {"byte_fallback": True},
    ],
)
def test_every_letter_of_a_bpe_is_kept_however_it_marks_words(settings):
    tokenizer = small_bpe(**settings)
    tokenizer.add_tokens(["remdesivir", "<user>"])
    used = set(tokenizer.encode("lower newest cats").ids)
    kept = select_tokens(tokenizer, used, ["<unk>"])
    smaller = renumbered(tokenizer, kept)
    assert smaller.get_vocab_size() < tokenizer.get_vocab_size()
    for text in ("lower newest cats", "remdesivir <user>"):
        assert smaller.encode(text).tokens == tokenizer.encode(text).tokens
    for text in ("zebra quartz", "jumps dogs", "naïve"):
        assert smaller.encode(text).tokens.count("<unk>") == tokenizer.encode(text).tokens.count("<unk>"), text
    assert "<unk>" not in smaller.encode("zebra quartz jumps").tokens
