"""The text of the benchmark: short lines of many languages, and the tokenizers for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tokenizers.implementations import BertWordPieceTokenizer

from camembert.core.files import write_text
from camembert.data.cldr.documents import draw_documents
from camembert.data.cldr.facts import render_all
from camembert.data.text import Documents, read_documents
from camembert.plan.config import load_yaml
from camembert.tokens.tokenizer import save_tokenizer, train_tokenizer
from cases import EMBEDDED, MBERT, Case

LINES = 2_000
"""Of every language."""


@dataclass(frozen=True)
class Text:
    """Files of text, one document a line, and what is known of them."""

    files: list[Path]
    own_tokenizer: Path
    mbert_tokenizer: Path
    origin: str
    vocabulary: str

    @classmethod
    def prepare(cls, folder: Path, source: Path | None, vocabulary: Path | None) -> Text:
        """Copies the beginning of every file, or writes CLDR text, and makes the tokenizers.

        Args:
            folder: where to.
            source: folder with XX.txt, or None for CLDR text.
            vocabulary: vocab.txt of mBERT, or None for the vocabulary that is trained on the text.
        """
        texts: dict[str, Iterable[str]]
        if source:
            texts = {path.stem: islice(read_documents([path]), LINES) for path in sorted(source.glob("*.txt"))}
            origin = f"the first {LINES:,} lines of each of {len(texts)} files"
        else:
            languages = load_yaml(Path(__file__).parents[1] / "config.yaml")["languages"]
            documents = list(draw_documents(LINES, seed=1))
            texts = {language: (render_all(document, language) for document in documents) for language in languages}
            origin = f"{LINES:,} generated lines of CLDR text in each of {len(languages)} languages"
        files = [write_lines(folder / f"{name}.txt", lines) for name, lines in texts.items()]
        own = folder / "tokenizer"
        trained = train_tokenizer(Documents([(files, {})]), EMBEDDED.vocabulary, False)
        save_tokenizer(trained, own, MBERT.row, False)
        if not vocabulary:
            return cls(files, own, own, origin, "the vocabulary trained on the text")
        mbert = folder / "mbert"
        mbert.mkdir()
        BertWordPieceTokenizer(str(vocabulary), lowercase=False, strip_accents=False).save(
            str(mbert / "tokenizer.json")
        )
        return cls(files, own, mbert, origin, "mBERT's own vocabulary")

    def tokenizer_of(self, case: Case) -> Path:
        """The tokenizer folder for a case."""
        return self.mbert_tokenizer if case.vocabulary == MBERT.vocabulary else self.own_tokenizer


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Writes lines and returns the path."""
    write_text(path, "".join(f"{line}\n" for line in lines))
    return path
