"""Brings together the text that fine-tuning reads without labels, without sentences that are evaluated on."""

from camembert.data.leaks import documents_of
from camembert.data.tasks import texts_of, unlabelled_examples, write_examples
from camembert.runtime.job import log, logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        texts = documents_of(dict(job.input.items()), job.params.text, job.input.checked)
        examples = unlabelled_examples(texts, texts_of(job.input.labelled))
        write_examples(examples, job.output[0])
        log.info("%d sentences without labels", len(examples))
