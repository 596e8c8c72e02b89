"""Predicts the task by baselines without an encoder: files of predictions like those of classifiers."""

from camembert.core.files import read_json
from camembert.data.tasks import read_all, read_examples
from camembert.evaluation.classification import accuracy, write_predictions
from camembert.evaluation.task_baselines import fit, log_probabilities, task_baselines
from camembert.runtime.job import log, logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        labels = read_json(job.input.labels)
        train = read_all(job.input.train)
        fitted = {name: fit(baseline, train) for name, baseline in task_baselines().items()}
        for language, data in zip(job.params.languages, job.input.test, strict=True):
            examples = read_examples(data)
            for name, baseline in fitted.items():
                logits = log_probabilities(baseline, len(labels), examples)
                path = next(path for path in job.output if path.endswith(f"/{name}/{language}.parquet"))
                write_predictions(path, examples, labels, logits)
                share = accuracy(logits, [example.label for example in examples])
                log.info("%s: %.1f %% right in %s", name, 100 * share, language)
