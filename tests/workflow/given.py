"""Small sources as the hub and people have them: a BERT checkpoint, NLI examples, text."""

import io
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

LANGUAGES = ("en", "ru", "th")
WORDS = {
    "en": "one two three cats dogs birds see hear like red big old".split(),
    "ru": "один два три кошки собаки птицы видят слышат любят красный большой старый".split(),
    "th": "หนึ่ง สอง สาม แมว หมา นก เห็น ได้ยิน ชอบ แดง ใหญ่ เก่า".split(),
}
VOCABULARY = 600


def sentence(language: str, number: int) -> str:
    """A sentence that is the same in every language."""
    draw = random.Random(number)
    return " ".join(WORDS[language][draw.randrange(12)] for _ in range(6))


def save_teacher(folder: Path) -> Path:
    """A checkpoint of BERT, three layers, with its head and its tokenizer as vocab.txt and tokenizer_config.json."""
    import torch
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertForPreTraining

    from camembert.tokens.tokenizer import train_tokenizer

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
    BertForPreTraining(BertConfig(vocab_size=VOCABULARY, max_position_embeddings=64, **sizes)).save_pretrained(folder)
    text = [f"{sentence(language, number)} {number}." for language in LANGUAGES for number in range(50)]
    words = train_tokenizer(text, VOCABULARY, lowercase=False).get_vocab()
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in sorted(words, key=words.__getitem__)))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    return folder


def pairs(language: str, rows: int) -> dict[str, list]:
    """NLI examples, one in seven of the training examples without a label."""
    labels = [number % 3 for number in range(rows)]
    texts = [sentence(language, number) for number in range(rows)]
    return {"premise": texts, "hypothesis": [text.split()[0] for text in texts], "label": labels}


def parquet(columns: dict[str, list]) -> bytes:
    """The bytes of a parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, row_group_size=16)
    return buffer.getvalue()


MBERT = "google-bert/bert-base-multilingual-cased"


def fill(hub, teacher: Path, repository: str = MBERT) -> None:
    """Puts on a hub what experiments/paper.yaml takes from one, at toy size."""
    hub.files["models"][repository] = {path.name: path.read_bytes() for path in teacher.iterdir()}
    training = pairs("en", 96)
    training["label"][5] = -1
    hub.files["datasets"]["nyu-mll/multi_nli"] = {"data/train-00000-of-00001.parquet": parquet(training)}
    hub.files["datasets"]["facebook/xnli"] = {
        f"{language}/{split}-00000-of-00001.parquet": parquet(pairs(language, 24))
        for language in LANGUAGES
        for split in ("train", "validation", "test")
    }
    hub.files["datasets"]["mteb/tatoeba-bitext-mining"] = {
        f"{code}-eng/test/0000.parquet": parquet(
            {
                f"sentence{i}": [f"{sentence(each, n)}!" for n in range(100, 120)]
                for i, each in ((1, language), (2, "en"))
            }
        )
        for language, code in (("ru", "rus"), ("th", "tha"))
    }
    hub.files["datasets"]["wikimedia/wikipedia"] = {
        f"20231101.{language}/train-{part:05d}-of-00002.parquet": parquet(
            {
                "id": list(range(20)),
                "text": [f"{sentence(language, n)}.\n\n{sentence(language, n + 1)}" for n in range(20)],
            }
        )
        for language in LANGUAGES
        for part in range(2)
    }
