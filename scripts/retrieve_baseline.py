"""Retrieves English sentences by character n-grams: one file of answers for every other language."""

from camembert.data.retrieval import read_sentences
from camembert.evaluation.retrieval import accuracy, nearest_by_characters, write_answers
from camembert.runtime.job import log, logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        sentences = {
            language: read_sentences(path) for language, path in zip(job.params.languages, job.input, strict=True)
        }
        for (language, answers), path in zip(nearest_by_characters(sentences).items(), job.output, strict=True):
            write_answers(path, sentences[language], answers)
            log.info("character n-grams: %.1f %% retrieved in %s", 100 * accuracy(answers), language)
