"""Trains the tokenizer on the text of all languages."""

from camembert.core.files import atomic_write
from camembert.data.text import TrainingDocuments
from camembert.tokens.tokenizer import save_tokenizer, train_tokenizer, use_threads
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job, atomic_write(job.output[0]) as partial:
        use_threads(job.threads)
        documents = TrainingDocuments(dict(job.input.items()), job.params.text, job.input.checked)
        tokenizer = train_tokenizer(documents, job.params.vocab_size, job.params.lowercase)
        save_tokenizer(tokenizer, partial, job.params.longest, job.params.lowercase)
