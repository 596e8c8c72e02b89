"""Turns the text of one language into a shard of token ids."""

from pathlib import Path

from camembert.corpus import read_lines, write_shard
from camembert.job import logged
from camembert.tokenizer import load_tokenizer


def tokenize_text(text: Path, tokenizer: Path, parallel: bool, limit: int | None, output: Path) -> None:
    """Reads at most `limit` lines and writes the shard folder."""
    facts = {"source": Path(text).name, "parallel": parallel}
    write_shard(output, read_lines(text, limit), load_tokenizer(tokenizer), facts)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tokenize_text(job.input.text, job.input.tokenizer[0], job.params.parallel, job.params.limit, job.output[0])
