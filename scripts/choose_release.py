"""Chooses the classifier that is best on dev, of the students and of the teacher."""

from camembert.core.files import write_json
from camembert.release.choice import choose_best
from camembert.runtime.job import log
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        choice = {"student": choose_best(job.input.students), "named": job.params.named}
        if job.input.teachers:
            choice["teacher"] = choose_best(job.input.teachers)
        write_json(job.output[0], choice)
        log.info("Released: %(path)s", choice["student"])
