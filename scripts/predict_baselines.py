"""Predicts the task by baselines without an encoder: files of predictions like those of classifiers."""

from camembert.core.files import read_json
from camembert.data.tasks import read_all
from camembert.evaluation.classification import evaluate
from camembert.evaluation.probe import fit_baselines, join_pairs, predict_logits
from camembert.runtime.job import log
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        labels = read_json(job.input.labels)
        test = dict(zip(job.params.languages, job.input.test, strict=True))
        for name, baseline in fit_baselines(read_all(job.input.train)).items():

            def logits(examples, baseline=baseline):
                return predict_logits(baseline, join_pairs(examples), len(labels))

            log.info("%s:", name)
            evaluate(logits, labels, test, [path for path in job.output if f"/{name}/" in path])
