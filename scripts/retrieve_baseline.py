"""Retrieves sentences between every language and English by character n-grams: one file of answers a language."""

from camembert.data.retrieval import read_sides
from camembert.evaluation.retrieval import retrieval_accuracy, retrieve_by_characters, write_retrieved
from camembert.plan.readings import Reading
from camembert.runtime.job import log
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        sides = read_sides(job.params.languages, job.input, job.params.pairwise)
        readings = [Reading.parse(name) for name in job.params.readings]
        found = retrieve_by_characters(sides, readings, job.params.neighbours)
        for (language, retrieved), path in zip(found, job.output, strict=True):
            write_retrieved(path, sides[language][0], retrieved)
            shares = [f"{100 * retrieval_accuracy(places):.1f} % {each.name}" for each, places in retrieved.items()]
            log.info("character n-grams in %s: %s", language, ", ".join(shares))
