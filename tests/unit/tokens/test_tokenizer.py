"""The tokenizer: the same from the same text, and the one that transformers loads."""

import subprocess
import sys

import pytest

from camembert.tokens.tokenizer import TokenizerError, load_tokenizer, save_tokenizer, token_id, train_tokenizer

TEXTS = [
    "Japan and in 2 weeks",
    "Japon et dans 2 semaines",
    "日本和2周后",
    "ญี่ปุ่นและในอีก 2 สัปดาห์",
    "Япония и через 2 недели",
] * 3


CAPITALS = [f"{letter}abcdefghijkl" for letter in "QVWXZ"] * 20 + "aQ aV aW aX aZ".split() + ["amnopqrs"] * 5
"""Letters enough for an alphabet of 17, some of which hardly ever go on within a word."""


@pytest.mark.parametrize(("texts", "size"), [(TEXTS, 120), (CAPITALS, 68)])
def test_training_is_the_same_in_every_process(texts, size):
    code = (
        "import sys, hashlib; sys.path.insert(0, 'scripts'); from camembert.tokens.tokenizer import train_tokenizer;"
        f"print(hashlib.sha256(train_tokenizer({texts!r}, {size}, False).to_str().encode()).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(3)}
    assert len(runs) == 1


def test_case_and_accents_are_kept_unless_asked():
    assert "Japan" in train_tokenizer(TEXTS, 200, lowercase=False).decode(
        train_tokenizer(TEXTS, 200, lowercase=False).encode("Japan").ids
    )
    uncased = train_tokenizer(["Élan"] * 3, 100, lowercase=True)
    assert uncased.encode("Élan").ids == uncased.encode("elan").ids


def test_letters_of_every_language_are_known():
    tokenizer = train_tokenizer(TEXTS, 200, lowercase=False)
    unknown = token_id(tokenizer, "[UNK]")
    assert not any(unknown in encoding.ids for encoding in tokenizer.encode_batch(TEXTS))


def test_transformers_reads_the_same_ids(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = train_tokenizer(TEXTS, 200, lowercase=False)
    save_tokenizer(tokenizer, tmp_path, longest=64, lowercase=False)
    theirs = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    ours = load_tokenizer(tmp_path)
    for premise, hypothesis in zip(TEXTS, reversed(TEXTS), strict=True):
        expected = ours.encode(premise, hypothesis)
        found = theirs(premise, hypothesis)
        assert found["input_ids"] == expected.ids
        assert found["token_type_ids"] == expected.type_ids
    assert theirs.model_max_length == 64


def test_text_that_can_be_gone_through_once_is_refused():
    with pytest.raises(TokenizerError, match="can be gone through only once"):
        train_tokenizer(iter(TEXTS), 200, lowercase=False)


def test_a_missing_token_is_named():
    with pytest.raises(KeyError, match="no nonsense-token token"):
        token_id(train_tokenizer(TEXTS, 200, lowercase=False), "nonsense-token")
