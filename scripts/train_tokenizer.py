"""Trains the tokenizer on the text of all languages."""

from camembert.core.files import atomic_write
from camembert.data.text import TrainingDocuments
from camembert.runtime.job import logged
from camembert.tokens.tokenizer import save_tokenizer, train_tokenizer, use_threads

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]), atomic_write(job.output[0]) as partial:
        use_threads(job.threads)
        documents = TrainingDocuments(dict(job.input.items()), job.params.text, job.input.checked)
        tokenizer = train_tokenizer(documents, job.params.vocabulary, job.params.lowercase)
        save_tokenizer(tokenizer, partial, job.params.longest, job.params.lowercase)
