"""Chooses the classifier that is best on dev, of the students and of the teacher."""

from camembert.core.files import write_json
from camembert.release.choice import best_on_dev
from camembert.runtime.job import log, logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        choice = {"student": best_on_dev(job.input.students), "named": job.params.named}
        if job.input.teachers:
            choice["teacher"] = best_on_dev(job.input.teachers)
        write_json(job.output[0], choice)
        log.info("Released: %(path)s", choice["student"])
