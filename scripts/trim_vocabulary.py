"""Cuts the tokens that the chosen languages never use out of the released classifier."""

from collections.abc import Sequence
from pathlib import Path

from camembert.release.vocabulary import tokens_used, trim
from camembert.runtime.job import log, logged
from camembert.tokens.tokenizer import load_tokenizer, special_tokens
from camembert.tokens.trimming import tokens_kept


def trim_vocabulary(classifier: Path, corpus: Sequence[Path], examples: Sequence[Path], output: Path) -> None:
    """Writes the classifier with the tokens that occur in the corpus and the examples."""
    tokenizer = load_tokenizer(classifier)
    special = special_tokens(classifier).values()
    kept = tokens_kept(tokenizer, tokens_used(tokenizer, corpus, examples), special)
    log.info("%d of %d tokens are kept", len(kept), tokenizer.get_vocab_size())
    trim(classifier, kept, output)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        trim_vocabulary(
            Path(job.input.classifier[0]).parent, job.input.corpus, job.input.examples, Path(job.output[0]).parent
        )
