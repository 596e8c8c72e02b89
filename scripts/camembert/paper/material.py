"""What tables and figures are made from: every answer, the metrics of every job, every training curve.

Three files hold it, so that a record is those three and what is made of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.core.files import atomic_write, read_json, read_json_lines, write_json_lines
from camembert.paper.answers import Results, read_answers
from camembert.paper.published import read_published
from camembert.paper.statistics import ENGLISH, RETRIEVAL, Model, ResultsError, models_of
from camembert.plan.comparisons import PlannedComparison, read_planned
from camembert.plan.experiment import PARENT, ROOT

DATA = "data"
"""Stage of the jobs that have no metrics but a benchmark file of Snakemake."""
TEACHERS = {ROOT: "the fine-tuned teacher", PARENT: "the classifier one hop up"}
STAGE = re.compile(r"/metrics/(?P<stage>[^/]+)/")
CURVE_PATH = re.compile(
    r"metrics/(?P<stage>encoders|classifiers)/(?P<recipe>[^/]+)/(?P<chain>[^/]+)/r(?P<run>\d+)(-f(?P<finetuning>\d+))?\.jsonl$"
)


@dataclass(frozen=True)
class Material:
    """What an experiment came to.

    Attributes:
        experiment: its name.
        task: name of the task.
        models: in display order.
        results: all answers.
        metrics: of every job, with its stage: encoders, classifiers, evaluation, probe, retrieval, efficiency, `DATA`.
        curves: a row a logged line: stage, recipe, chain, run, finetuning, split, step, and what was logged.
        planned: pairs of models that are compared.
        margin: of equivalence, in points.
        recipes: in the order of the config.
        lengths: tokens a sentence at which efficiency was measured.
        trained_on: the languages of the labels.
        soft_labels: whose soft labels students learn: none, root or parent.
        published_rows: file of published accuracies that can stand beside these, if any.
    """

    experiment: str
    task: str
    models: Sequence[Model]
    results: Results
    metrics: Sequence[Mapping[str, Any]]
    curves: pd.DataFrame
    planned: Sequence[PlannedComparison]
    margin: float
    recipes: Sequence[str]
    lengths: Sequence[int]
    trained_on: Sequence[str] = (ENGLISH,)
    soft_labels: str = "none"
    published_rows: Path | None = None

    @classmethod
    def read(
        cls,
        answers: Path,
        metrics: Path,
        curves: Path,
        *,
        models: Iterable[Mapping[str, Any]],
        planned: Iterable[Mapping[str, Any]],
        reading: str,
        trained_on: Sequence[str] = (ENGLISH,),
        **settings: Any,
    ) -> Material:
        """Reads it from its three files.

        Args:
            answers, metrics, curves: the files.
            models: recipe, chain, label and method of each, in display order.
            planned: contrast, first and second (recipe and chain) of each pair that is compared.
            reading: of retrieval the one that leads.
            trained_on: the languages of the labels.
            settings: the other attributes.
        """
        return cls(
            models=models_of(models),
            results=Results(read_answers(answers), {RETRIEVAL: reading}, trained_on),
            trained_on=trained_on,
            metrics=read_json_lines(metrics),
            curves=pd.read_parquet(curves),
            planned=read_planned(planned),
            **settings,
        )

    def of_stage(self, stage: str) -> list[Mapping[str, Any]]:
        """The metrics of one stage."""
        return [facts for facts in self.metrics if facts["stage"] == stage]

    @property
    def learned_from(self) -> str:
        """What captions add of soft labels, and of text in languages without labels that was read; often nothing."""
        if self.soft_labels not in TEACHERS:
            return ""
        read = {language for facts in self.of_stage("classifiers") for language in facts["unlabelled"]}
        seen = "; zero-shot labels, unlabelled target text seen" if read - set(self.trained_on) else ""
        return f" Students learn soft labels of {TEACHERS[self.soft_labels]}{seen}."

    @cached_property
    def published(self) -> pd.DataFrame:
        """Published accuracies on the task."""
        return read_published(self.published_rows, self.results.evaluations[0].accuracy)


def collect_metrics(metrics: Iterable[str | Path], benchmarks: Iterable[str | Path], output: str | Path) -> None:
    """Writes the metrics of all jobs, a line a job, and of data jobs what Snakemake measured of them."""
    lines = []
    for path in metrics:
        found = STAGE.search(Path(path).as_posix())
        if not found:
            raise ResultsError(f"{path}: expected metrics/STAGE/...json")
        lines.append({"stage": found["stage"]} | read_json(path))
    for path in benchmarks:
        job = pd.read_csv(path, sep="\t", na_values="-").fillna(0).iloc[-1]
        cost = {"job_seconds": float(job["s"]), "job_cpu_seconds": float(job["cpu_time"])}
        lines.append({"stage": DATA, "job": Path(path).stem, **cost, "peak_memory_mib": float(job["max_rss"])})
    write_json_lines(output, lines)


def collect_curves(curves: Iterable[str | Path], output: str | Path) -> None:
    """Writes the curves of all trainings as one parquet table.

    Args:
        curves: files ``metrics/encoders/{recipe}/{chain}/r{run}.jsonl`` and
            ``metrics/classifiers/{recipe}/{chain}/r{run}-f{finetuning}.jsonl``; empty where nothing was trained.
        output: where to.
    """
    frames = []
    for path in curves:
        found = CURVE_PATH.search(Path(path).as_posix())
        if not found:
            raise ResultsError(f"{path}: expected metrics/(encoders|classifiers)/RECIPE/CHAIN/rN[-fM].jsonl")
        whose = found.groupdict() | {"run": int(found["run"]), "finetuning": int(found["finetuning"] or 0)}
        frames.append(pd.DataFrame(read_json_lines(path)).assign(**whose))
    empty = pd.DataFrame(columns=["stage", "recipe", "chain", "run", "finetuning", "split", "step"])
    table = pd.concat([frame for frame in frames if not frame.empty] or [empty], ignore_index=True)
    with atomic_write(output) as partial:
        table.to_parquet(partial, index=False, compression="zstd")
