"""Reads what every classifier, probe and encoder answered, once, into one long table."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from camembert.paper import counting
from camembert.paper.answers import PROBE, RETRIEVAL, write_answer_table
from snakemake_job import logged_job


def collect_answers(
    task: str,
    parallel: bool,
    retrieval_parallel: bool,
    predictions: Iterable[Path],
    probes: Iterable[Path],
    retrieval: Iterable[Path],
    answers: Path,
    trained_on: Sequence[str],
) -> None:
    """Writes the long table of answers.

    Args:
        task: its name.
        parallel: whether it has the same items in every language.
        retrieval_parallel: whether retrieval has.
        predictions: files of classifiers and baselines on the task.
        probes: files of linear probes on it.
        retrieval: files of encoders and the baseline in retrieval.
        answers: where to.
        trained_on: the languages of the labels.
    """
    evaluations: dict[str, dict[str, Any]] = {}
    rows: list[Iterator[pa.Table]] = []
    for name, paths in ((task, predictions), (PROBE, probes)):
        if files := counting.group_files(paths):
            evaluations[name] = {"chance": counting.compute_task_chance(files), "parallel": parallel}
            rows.append(counting.count_predictions(name, files, trained_on))
    if files := counting.group_files(retrieval):
        evaluations[RETRIEVAL] = {"chance": counting.compute_retrieval_chance(files), "parallel": retrieval_parallel}
        rows.append(counting.count_retrieval(files))
    write_answer_table(chain.from_iterable(rows), evaluations, answers)


if __name__ == "__main__":
    with logged_job() as job:
        collect_answers(
            job.params.task,
            job.params.parallel,
            job.params.retrieval_parallel,
            job.input.predictions,
            job.input.probes,
            job.input.retrieval,
            Path(job.output.answers),
            job.params.trained_on,
        )
