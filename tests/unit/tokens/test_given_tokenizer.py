"""The tokenizer of a given teacher becomes the workflow's, or is refused with the reason."""

import json
import os
from pathlib import Path

import pytest
from checkpoints import tokenizer_files
from tokenizers import Tokenizer, models, processors

from camembert.tokens.given_tokenizer import import_tokenizer, read_tokenizer
from camembert.tokens.packing import SpecialIds
from camembert.tokens.tokenizer import (
    TokenizerError,
    input_names,
    load_tokenizer,
    save_tokenizer,
    token_id,
    train_tokenizer,
)

REAL_DATA = os.environ.get("CAMEMBERT_REAL_DATA")
TEXTS = ["Japan and in 2 weeks", "日本和2周后", "Япония и через 2 недели"] * 3


VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Élan", "elan", "élan", "##s", "日", "本"]
SENTENCES = ["Élan", "Élans 日本", "elan"]


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a folder with vocab.txt and tokenizer_config.json (None: without)."""

    def write(settings, vocabulary=VOCABULARY):
        folder = tmp_path / "checkpoint"
        folder.mkdir(exist_ok=True)
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in vocabulary))
        if settings is not None:
            (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return folder

    return write


@pytest.mark.parametrize(
    "settings",
    [
        {"do_lower_case": False},
        {"do_lower_case": True},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "tokenize_chinese_chars": False},
    ],
)
def test_a_vocabulary_with_its_settings_is_read_as_transformers_reads_it(checkpoint, tmp_path, settings):
    from transformers import AutoTokenizer, BertTokenizer

    folder = checkpoint(settings)
    tokenizer, lowercase = read_tokenizer(folder, len(VOCABULARY))
    assert lowercase == settings["do_lower_case"]
    theirs = BertTokenizer.from_pretrained(folder, local_files_only=True)
    save_tokenizer(tokenizer, tmp_path / "ours", 32, lowercase)
    again = AutoTokenizer.from_pretrained(tmp_path / "ours", local_files_only=True)
    for sentence in SENTENCES:
        found = load_tokenizer(tmp_path / "ours").encode(sentence, "elan")
        for other in (theirs, again):
            assert (found.ids, found.type_ids) == tuple(
                other(sentence, "elan")[k] for k in ("input_ids", "token_type_ids")
            )
    assert read_tokenizer(tmp_path / "ours", len(VOCABULARY))[0].to_str() == tokenizer.to_str()


@pytest.mark.parametrize("settings", [None, {"model_max_length": 512}])
def test_a_vocabulary_that_does_not_say_whether_it_is_cased_is_refused(checkpoint, settings):
    with pytest.raises(
        TokenizerError, match=r"vocab\.txt does not say whether it is cased; add a tokenizer_config\.json"
    ):
        read_tokenizer(checkpoint(settings), 100)


@pytest.mark.parametrize(("content", "message"), [("{", "is not JSON"), ("[]", "is no JSON object")])
def test_settings_that_cannot_be_read_are_named(checkpoint, content, message):
    folder = checkpoint({"do_lower_case": False})
    (folder / "tokenizer_config.json").write_text(content)
    with pytest.raises(TokenizerError, match=rf"tokenizer_config\.json {message}"):
        read_tokenizer(folder, 100)


def test_a_tokenizer_larger_than_the_embedding_is_refused(checkpoint):
    with pytest.raises(TokenizerError, match="has token ids up to 10, but the model's embedding has 10 rows"):
        read_tokenizer(checkpoint({"do_lower_case": False}), 10)
    assert read_tokenizer(checkpoint({"do_lower_case": False}), 16)[0].get_vocab_size() == 11


def test_a_vocabulary_may_skip_ids(words):
    from tokenizers import Tokenizer

    state = json.loads(words.to_str())
    last = max(state["model"]["vocab"], key=state["model"]["vocab"].get)
    state["model"]["vocab"][last] += 50
    largest = state["model"]["vocab"][last]
    assert SpecialIds.of(Tokenizer.from_str(json.dumps(state))).vocabulary == largest + 1


def test_a_tokenizer_without_the_special_tokens_is_refused(checkpoint):
    folder = checkpoint({"do_lower_case": False}, [token for token in VOCABULARY if token != "[SEP]"])
    with pytest.raises(TokenizerError, match=r"has no token \[SEP\], expected BERT's special tokens"):
        read_tokenizer(folder, 100)


def test_files_that_contradict_each_other_are_refused(tmp_path):
    save_tokenizer(train_tokenizer(TEXTS, 200, lowercase=False), tmp_path, longest=64, lowercase=True)
    with pytest.raises(TokenizerError, match=r"has lowercase False, but .* has do_lower_case True; make the two agree"):
        read_tokenizer(tmp_path, 200)


def test_a_tokenizer_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json cannot be read"):
        read_tokenizer(tmp_path, 200)


def test_padding_and_truncation_of_the_source_are_switched_off(tmp_path):
    tokenizer = train_tokenizer(TEXTS, 200, lowercase=False)
    tokenizer.enable_padding(length=64)
    tokenizer.enable_truncation(4)
    save_tokenizer(tokenizer, tmp_path, longest=64, lowercase=False)
    read, _ = read_tokenizer(tmp_path, 200)
    ids = read.encode(TEXTS[0]).ids
    assert 4 < len(ids) < 64


@pytest.mark.skipif(
    REAL_DATA is None, reason="CAMEMBERT_REAL_DATA does not name a folder with multilingual BERT's words"
)
def test_the_vocabulary_of_multilingual_bert_is_read_whole_and_cased(tmp_path):
    from transformers import BertTokenizer

    vocabulary = Path(str(REAL_DATA)) / "mbert" / "vocab.txt"
    (tmp_path / "vocab.txt").symlink_to(vocabulary)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false, "model_max_length": 512}')
    tokenizer, lowercase = read_tokenizer(tmp_path, 119_547)
    assert not lowercase
    assert tokenizer.get_vocab_size() == 119_547
    known = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, "##ing": 10230}
    assert {token: token_id(tokenizer, token) for token in known} == known
    theirs = BertTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for path in sorted((Path(str(REAL_DATA)) / "text").glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()[:200]
        assert [encoding.ids for encoding in tokenizer.encode_batch(lines)] == theirs(lines)["input_ids"], path.name


# --- of any kind ----------------------------------------------------------------------------------------------


@pytest.fixture
def folder_of(lines, tmp_path):
    """Writes the tokenizer's files of a kind of checkpoint, and others that are given; returns the folder."""

    def write(kind, **files):
        tokenizer, settings = tokenizer_files(kind, [text for each in lines.values() for text in each])
        folder = tmp_path / kind
        folder.mkdir()
        tokenizer.save(str(folder / "tokenizer.json"))
        for name, content in {"tokenizer_config": settings, **files}.items():
            if content is not None:
                (folder / f"{name}.json").write_text(json.dumps(content))
        return folder

    return write


MODEL = {"model_type": "xlm-roberta", "vocab_size": 400, "max_position_embeddings": 66, "type_vocab_size": 1}
BERT = {"model_type": "bert", "vocab_size": 400, "max_position_embeddings": 64}
NAMES = {"mask_token": {"content": "<mask>", "lstrip": True}, "pad_token": "<pad>"}


@pytest.mark.parametrize("files", [{}, {"tokenizer_config": None}, {"special_tokens_map": NAMES}])
def test_special_tokens_are_found_by_role_in_the_files_or_by_their_usual_names(folder_of, tmp_path, files):
    folder = folder_of("xlm-roberta", **files)
    import_tokenizer(folder, tmp_path / "own", MODEL)
    special = SpecialIds.read(tmp_path / "own")
    tokenizer = load_tokenizer(folder)
    found = (special.cls, special.pad, special.sep, special.mask)
    assert found == tuple(token_id(tokenizer, token) for token in ("<s>", "<pad>", "</s>", "<mask>"))
    assert (special.separators, special.segments) == (2, False)
    assert load_tokenizer(tmp_path / "own").to_str() == tokenizer.to_str(), "as it was"
    assert input_names(tmp_path / "own") == ("input_ids", "attention_mask")


def test_a_model_without_segments_is_given_none(folder_of, tmp_path):
    folder = folder_of("bert")
    import_tokenizer(folder, tmp_path / "two", BERT)
    import_tokenizer(folder, tmp_path / "one", BERT | {"type_vocab_size": 1})
    two, one = (load_tokenizer(tmp_path / name).encode("cats", "dogs") for name in ("two", "one"))
    assert one.ids == two.ids
    assert (max(one.type_ids), max(two.type_ids)) == (0, 1)
    assert not SpecialIds.read(tmp_path / "one").segments
    assert input_names(tmp_path / "two") == ("input_ids", "token_type_ids", "attention_mask")


def test_a_tokenizer_without_a_mask_token_serves_where_nothing_is_hidden(folder_of, tmp_path):
    folder = folder_of("xlm-roberta")
    text = (folder / "tokenizer.json").read_text(encoding="utf-8").replace("<mask>", "<other>")
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    import_tokenizer(folder, tmp_path / "own", MODEL)
    assert SpecialIds.read(tmp_path / "own").mask is None
    with pytest.raises(TokenizerError, match=r"has no mask token .*, which recipe logits needs; leave that out"):
        import_tokenizer(folder, tmp_path / "again", MODEL, ["recipe logits"])


def test_padding_that_is_not_the_model_s_is_refused_where_positions_depend_on_it(folder_of, tmp_path):
    folder = folder_of("xlm-roberta")
    with pytest.raises(TokenizerError, match=r"token <pad> with id 1, but its config\.json has pad_token_id 0, from"):
        import_tokenizer(folder, tmp_path / "own", MODEL | {"pad_token_id": 0})
    import_tokenizer(folder, tmp_path / "minilm", BERT | {"pad_token_id": 0})


def test_a_tokenizer_that_frames_texts_otherwise_is_refused(folder_of, tmp_path):
    folder = folder_of("xlm-roberta")
    tokenizer = load_tokenizer(folder)
    ids = [(name, token_id(tokenizer, name)) for name in ("<s>", "</s>", "<unk>")]
    for single, pair in (("$A", "$A $B"), ("<s> $A </s>", "<s> $A <unk> $B </s>"), ("$A </s>", "$A </s> $B </s>")):
        tokenizer.post_processor = processors.TemplateProcessing(single, pair, ids)
        tokenizer.save(str(folder / "tokenizer.json"))
        with pytest.raises(TokenizerError, match=r"expected what BERT or RoBERTa add.*take another teacher"):
            import_tokenizer(folder, tmp_path / "own", MODEL)


def test_another_kind_of_tokenizer_is_refused(tmp_path):
    Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TokenizerError, match="is a WordLevel tokenizer, expected one of WordPiece, Unigram, BPE"):
        import_tokenizer(tmp_path, tmp_path / "own", MODEL)
