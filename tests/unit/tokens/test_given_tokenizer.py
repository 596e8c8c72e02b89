"""The tokenizer of a given teacher becomes the workflow's, or is refused with the reason."""

import json
import os
from pathlib import Path

import pytest
from checkpoints import KINDS, tokenizer_files
from tokenizers import Tokenizer, models, processors
from transformers import AutoTokenizer

from camembert.tokens.given_tokenizer import import_tokenizer, measure_unknown, read_tokenizer
from camembert.tokens.tokenizer import (
    SpecialIds,
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
SENTENCES = ["Élan", "Élans 日本", "elan", "remdesivir <user> élan"]
MODEL = {"model_type": "xlm-roberta", "vocab_size": 400, "max_position_embeddings": 66, "type_vocab_size": 1}
BERT = {"model_type": "bert", "vocab_size": 400, "max_position_embeddings": 64}
LINES = {
    "en": "All people are born free, equal in dignity & rights.",
    "fr": "Tous naissent libres et égaux; où l'été ?",
    "es": "¿Nacen libres e iguales? ¡Sí, señor!",
    "de": "Alle Menschen sind frei und gleich an Würde, 100 %.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι.",
    "bg": "Всички хора се раждат свободни.",
    "ru": "Все люди рождаются свободными, ёж.",
    "tr": "Bütün insanlar hür doğarlar, İstanbul'da ılık.",
    "ar": "يولد جميع الناس أحرارًا متساوين.",
    "vi": "Tất cả mọi người sinh ra đều được tự do.",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระ",
    "zh": "人人生而自由，在尊严和权利上一律平等。",
    "hi": "सभी मनुष्यों को स्वतन्त्रता प्राप्त है।",
    "sw": "Watu wote wamezaliwa huru, hadhi sawa.",
    "ur": "تمام انسان آزاد پیدا ہوئے ہیں۔",
}


def assert_reads_like_transformers(folder, own, texts):
    """Our copy of a folder's tokenizer gives the ids that `AutoTokenizer` gives, of the folder and of our copy."""
    ours = load_tokenizer(own)
    for theirs in (AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(own)):
        for text in texts:
            assert ours.encode(text).ids == theirs(text)["input_ids"], text
            assert ours.encode(text, "elan").ids == theirs(text, "elan")["input_ids"], text


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a folder with config.json, vocab.txt and tokenizer_config.json (None: without)."""

    def write(settings, vocabulary=VOCABULARY, **files):
        folder = tmp_path / "checkpoint"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(BERT))
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in vocabulary))
        for name, content in {"tokenizer_config": settings, **files}.items():
            if content is not None:
                (folder / f"{name}.json").write_text(json.dumps(content))
        return folder

    return write


@pytest.mark.parametrize(
    ("settings", "token"),
    [
        ({"do_lower_case": False}, "Élan"),
        ({"do_lower_case": True}, "elan"),
        ({"do_lower_case": True, "strip_accents": False}, "élan"),
        ({"do_lower_case": False, "tokenize_chinese_chars": False}, "Élan"),
    ],
)
def test_a_vocabulary_with_its_settings_is_read_as_transformers_reads_it(checkpoint, tmp_path, settings, token):
    folder = checkpoint(settings)
    import_tokenizer(folder, tmp_path / "own", BERT)
    assert_reads_like_transformers(folder, tmp_path / "own", (*SENTENCES, *LINES.values()))
    assert load_tokenizer(tmp_path / "own").encode("Élan").tokens[1] == token


ADDED = {"<user>": 11, "remdesivir": 12}
DECODER = {str(number): {"content": token, "special": False} for token, number in ADDED.items()}


@pytest.mark.parametrize(
    ("settings", "files"), [({}, {"added_tokens": ADDED}), ({"added_tokens_decoder": DECODER}, {})]
)
def test_added_tokens_are_kept(checkpoint, tmp_path, settings, files):
    folder = checkpoint({"do_lower_case": False} | settings, **files)
    import_tokenizer(folder, tmp_path / "own", BERT)
    assert load_tokenizer(tmp_path / "own").encode("elan remdesivir <user>").ids[2:4] == [12, 11]
    assert_reads_like_transformers(folder, tmp_path / "own", SENTENCES)


def test_text_that_a_tokenizer_does_not_know_is_measured_and_refused_above_a_bound(checkpoint, caplog):
    tokenizer, names = read_tokenizer(checkpoint({"do_lower_case": False}), 400)
    texts = {"ja": ["日本 国"], "fr": ["Élans"]}
    with caplog.at_level("INFO", "camembert"):
        shares = measure_unknown(tokenizer, names["unk_token"], texts, 0.5)
    assert shares == {"ja": 1 / 3, "fr": 0}
    assert "ja: 33.33 % of 3 tokens are unknown" in caplog.text
    with pytest.raises(TokenizerError, match=r"33\.3 % of the tokens of text in ja are unknown .* at most 10 %; take"):
        measure_unknown(tokenizer, names["unk_token"], texts, 0.1)
    assert measure_unknown(tokenizer, None, texts, 0.1) == {"ja": 0, "fr": 0}


CASED = {"do_lower_case": False}
HEADLESS = [token for token in VOCABULARY if token != "[SEP]"]


@pytest.mark.parametrize(
    ("settings", "vocabulary", "message"),
    [
        (CASED | {"subword_tokenizer_type": "character"}, VOCABULARY, r"_type 'character', expected 'wordpiece'"),
        (CASED | {"tokenizer_class": "BertJapaneseTokenizer"}, VOCABULARY, r"Japanese|cannot read the tokenizer"),
        ({"model_max_length": 512}, VOCABULARY, r"vocab\.txt does not say whether it is cased; add a"),
        (CASED, HEADLESS, r"vocab\.txt has no sep_token, which texts are framed by"),
    ],
)
def test_a_vocabulary_that_cannot_be_used_is_refused(checkpoint, settings, vocabulary, message):
    with pytest.raises(TokenizerError, match=message):
        read_tokenizer(checkpoint(settings, vocabulary), 400)


@pytest.mark.parametrize(
    ("name", "content"), [("tokenizer_config", "{"), ("tokenizer_config", "[]"), ("tokenizer", "{")]
)
def test_files_that_cannot_be_read_are_refused(checkpoint, name, content):
    folder = checkpoint({"do_lower_case": False})
    (folder / f"{name}.json").write_text(content)
    with pytest.raises(TokenizerError, match=rf"transformers cannot read the tokenizer in {folder} \(.+\); copy it"):
        read_tokenizer(folder, 100)


def test_a_vocabulary_may_skip_ids(words):
    state = json.loads(words.to_str())
    last = max(state["model"]["vocab"], key=state["model"]["vocab"].get)
    state["model"]["vocab"][last] += 50
    largest = state["model"]["vocab"][last]
    assert SpecialIds.of(Tokenizer.from_str(json.dumps(state))).vocabulary == largest + 1


def test_files_that_contradict_each_other_are_refused(tmp_path):
    save_tokenizer(train_tokenizer(TEXTS, 200, lowercase=False), tmp_path, longest=64, lowercase=True)
    with pytest.raises(TokenizerError, match=r"has lowercase False, but .* has do_lower_case True; make the two agree"):
        read_tokenizer(tmp_path, 200)


def test_padding_and_truncation_of_the_source_are_switched_off(tmp_path):
    tokenizer = train_tokenizer(TEXTS, 200, lowercase=False)
    tokenizer.enable_padding(length=64)
    tokenizer.enable_truncation(4)
    save_tokenizer(tokenizer, tmp_path, longest=64, lowercase=False)
    (tmp_path / "config.json").write_text(json.dumps(BERT))
    read, _ = read_tokenizer(tmp_path, 200)
    ids = read.encode(TEXTS[0]).ids
    assert 4 < len(ids) < 64


@pytest.mark.skipif(
    REAL_DATA is None, reason="CAMEMBERT_REAL_DATA does not name a folder with multilingual BERT's words"
)
def test_the_vocabulary_of_multilingual_bert_is_read_whole_and_cased(tmp_path):
    config = BERT | {"vocab_size": 119_547}
    (tmp_path / "vocab.txt").symlink_to(Path(str(REAL_DATA)) / "mbert" / "vocab.txt")
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false, "model_max_length": 512}')
    import_tokenizer(tmp_path, tmp_path / "own", config)
    tokenizer = load_tokenizer(tmp_path / "own")
    assert tokenizer.get_vocab_size() == 119_547
    known = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, "##ing": 10230}
    assert {token: token_id(tokenizer, token) for token in known} == known
    theirs = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
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
        (folder / "config.json").write_text(
            json.dumps(BERT if kind in ("bert", "minilm") else MODEL | {"model_type": kind})
        )
        for name, content in {"tokenizer_config": settings, **files}.items():
            if content is not None:
                (folder / f"{name}.json").write_text(json.dumps(content))
        return folder

    return write


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
    assert input_names(tmp_path / "own") == ("input_ids", "attention_mask")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tokenizer_gives_the_ids_of_transformers_in_fifteen_languages(folder_of, tmp_path, kind):
    folder = folder_of(kind)
    import_tokenizer(folder, tmp_path / "own", json.loads((folder / "config.json").read_text()))
    assert_reads_like_transformers(folder, tmp_path / "own", LINES.values())


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


def test_padding_of_another_number_is_no_matter_where_positions_do_not_depend_on_it(folder_of, tmp_path):
    import_tokenizer(folder_of("minilm"), tmp_path / "own", BERT | {"pad_token_id": 0})
    assert SpecialIds.read(tmp_path / "own").pad == 1


def test_a_tokenizer_that_frames_texts_otherwise_is_refused(folder_of, tmp_path):
    folder = folder_of(
        "xlm-roberta", tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>"}
    )
    tokenizer = load_tokenizer(folder)
    ids = [(name, token_id(tokenizer, name)) for name in ("<s>", "</s>", "<unk>")]
    for single, pair in (("$A", "$A $B"), ("<s> $A </s>", "<s> $A <unk> $B </s>"), ("$A </s>", "$A </s> $B </s>")):
        tokenizer.post_processor = processors.TemplateProcessing(single, pair, ids)
        tokenizer.save(str(folder / "tokenizer.json"))
        with pytest.raises(TokenizerError, match=r"expected what BERT or RoBERTa add.*take another teacher"):
            import_tokenizer(folder, tmp_path / "own", MODEL)


def test_another_kind_of_tokenizer_is_refused(tmp_path):
    Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>")).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    (tmp_path / "config.json").write_text(json.dumps(MODEL))
    with pytest.raises(TokenizerError, match="is a WordLevel tokenizer, expected one of WordPiece, Unigram, BPE"):
        import_tokenizer(tmp_path, tmp_path / "own", MODEL)
