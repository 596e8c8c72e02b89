"""Brings together the text that fine-tuning reads without labels, without sentences that are evaluated on."""

from camembert.data.tasks import make_unlabelled_examples, read_texts, write_examples
from camembert.data.text import TrainingDocuments
from camembert.runtime.job import log
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        documents = TrainingDocuments(dict(job.input.items()), job.params.text, job.input.checked)
        examples = make_unlabelled_examples(documents.by_source(), read_texts(job.input.labelled))
        write_examples(examples, job.output[0])
        log.info("%d sentences without labels", len(examples))
