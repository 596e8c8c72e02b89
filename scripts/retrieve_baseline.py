"""Retrieves sentences between every language and English by character n-grams: one file of answers a language."""

from camembert.data.retrieval import read_sides
from camembert.evaluation.retrieval import accuracy, retrieve_by_characters, write_answers
from camembert.plan.readings import Reading
from camembert.runtime.job import log, logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        sides = read_sides(job.params.languages, job.input, job.params.pairwise)
        readings = [Reading.parse(name) for name in job.params.readings]
        found = retrieve_by_characters(sides, readings, job.params.neighbours)
        for (language, answers), path in zip(found, job.output, strict=True):
            write_answers(path, sides[language][0], answers)
            shares = ", ".join(f"{100 * accuracy(places):.1f} % {each.name}" for each, places in answers.items())
            log.info("character n-grams in %s: %s", language, shares)
