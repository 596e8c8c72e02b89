"""What tables and figures are made from: every answer, the metrics of every job, every training curve, the config.

Four files hold it, so that a record is those four and what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.core.files import atomic_write, read_json, read_json_lines, write_json_lines
from camembert.paper.answers import (
    RETRIEVAL,
    ComparedModel,
    Results,
    list_models,
    name_languages,
    parse_run,
    read_answers,
)
from camembert.plan.experiment import PARENT, ROOT, PlannedComparison, plan_comparisons, plan_experiment
from camembert.plan.paper import shows_published_rows
from camembert.plan.readings import choose_headline
from camembert.plan.sources import ENGLISH

DATA = "data"
"""Stage of the jobs that have no metrics but a benchmark file of Snakemake."""
SOFT_LABEL_TEACHERS = {ROOT: "the fine-tuned teacher", PARENT: "the classifier one hop up"}
ZERO_SHOT = "zero-shot"  # the setting of this project: fine-tuned on English, evaluated elsewhere
XNLI_TEST_EXAMPLES = 5010  # in every language
PUBLISHED_MARK = "Published: "


@dataclass(frozen=True, eq=False)
class ExperimentRecord:
    """What an experiment came to; every table is a function of it, computed once."""

    experiment: str
    task: str
    models: Sequence[ComparedModel]
    """In display order."""
    results: Results
    metrics: Sequence[Mapping[str, Any]]
    """Of every job, with its stage: encoders, classifiers, evaluation, probe, retrieval, efficiency, `DATA`."""
    curves: pd.DataFrame
    """A row a logged line: stage, recipe, chain, run, finetuning, split, step, and what was logged."""
    planned: Sequence[PlannedComparison]
    margin: float
    """Of equivalence, in points."""
    recipes: Sequence[str]
    lengths: Sequence[int]
    """Tokens a sentence at which efficiency was measured."""
    trained_on: Sequence[str] = (ENGLISH,)
    soft_labels: str = "none"
    """Whose soft labels students learn: none, root or parent."""
    published_rows: Path | None = None
    """File of published accuracies that can stand beside these, if any."""

    @classmethod
    def read(cls, folder: Path, published_rows: Path | None = None) -> ExperimentRecord:
        """Reads answers.parquet, metrics.jsonl and curves.parquet of a folder, as its config.json plans them.

        Args:
            folder: a record, or the results of a run.
            published_rows: file of published accuracies, left out where they cannot stand beside these.
        """
        config = read_json(folder / "config.json")
        experiment, task = plan_experiment(config), config["data"]["task"]
        reading, trained_on = choose_headline(config["retrieval"]).name, task["train_languages"]
        return cls(
            experiment=config["experiment"],
            task=task["name"],
            models=list_models(experiment),
            results=Results(read_answers(folder / "answers.parquet"), {RETRIEVAL: reading}, trained_on),
            metrics=read_json_lines(folder / "metrics.jsonl"),
            curves=pd.read_parquet(folder / "curves.parquet"),
            planned=plan_comparisons(config, experiment),
            margin=config["comparisons"]["margin"],
            recipes=config["recipes"],
            lengths=config["efficiency"]["lengths"],
            trained_on=trained_on,
            soft_labels=config["finetuning"].get("teacher", "none"),
            published_rows=published_rows if shows_published_rows(config) else None,
        )

    def select_stage(self, stage: str) -> list[Mapping[str, Any]]:
        """The metrics of the jobs of one stage."""
        return [facts for facts in self.metrics if facts["stage"] == stage]

    @property
    def labelled(self) -> str:
        """What tables call the languages of the labels: English, or their codes."""
        return name_languages(self.trained_on)

    @property
    def soft_label_note(self) -> str:
        """What captions add of soft labels, and of text in languages without labels that was read; often nothing."""
        if self.soft_labels not in SOFT_LABEL_TEACHERS:
            return ""
        read = {language for facts in self.select_stage("classifiers") for language in facts["unlabelled"]}
        seen = "; zero-shot labels, unlabelled target text seen" if read - set(self.trained_on) else ""
        return f" Students learn soft labels of {SOFT_LABEL_TEACHERS[self.soft_labels]}{seen}."

    @cached_property
    def published(self) -> pd.DataFrame:
        """Published accuracies on the task."""
        return read_published(self.published_rows, self.results.task.accuracy)


def read_published(path: Path | None, accuracy: pd.DataFrame) -> pd.DataFrame:
    """Reads accuracies that others published on XNLI, to stand beside ours: the zero-shot rows.

    Args:
        path: a table in percent with the columns model, setting, a language each, avg and source; None where the
            experiment is not on the full test set of XNLI.
        accuracy: the experiment's tidy accuracies on its task.

    Returns:
        Label, source, the experiment's languages and average, as shares (0 to 1); NaN where nothing was published.
        No row where the experiment has another number of test examples than XNLI.
    """
    languages = list(accuracy["language"].unique())
    columns = ["label", "source", *languages, "average"]
    if path is None or set(accuracy["n"]) != {XNLI_TEST_EXAMPLES}:
        return pd.DataFrame(columns=columns)
    rows = pd.read_csv(path)
    rows = rows[rows["setting"] == ZERO_SHOT].reset_index(drop=True)
    shares = rows.reindex(columns=languages).astype(float) / 100
    average = shares.mean(axis=1, skipna=False)
    rows = shares.assign(label=PUBLISHED_MARK + rows["model"], source=rows["source"], average=average)[columns]
    return rows[rows[languages].notna().any(axis=1)]


def collect_metrics(metrics: Iterable[str | Path], benchmarks: Iterable[str | Path], output: str | Path) -> None:
    """Writes the metrics of all jobs, a line a job, and of data jobs what Snakemake measured of them.

    Args:
        metrics: files ``metrics/{stage}/...json``.
        benchmarks: of Snakemake.
        output: where to.
    """
    lines = []
    for path in map(Path, metrics):
        lines.append({"stage": path.parts[path.parts.index("metrics") + 1]} | read_json(path))
    for path in map(Path, benchmarks):
        job = pd.read_csv(path, sep="\t", na_values="-").fillna(0).iloc[-1]
        cost = {"job_seconds": float(job["s"]), "job_cpu_seconds": float(job["cpu_time"])}
        lines.append({"stage": DATA, "job": path.stem, **cost, "peak_memory_mib": float(job["max_rss"])})
    write_json_lines(output, lines)


def collect_curves(curves: Iterable[str | Path], output: str | Path) -> None:
    """Writes the curves of all trainings as one parquet table.

    Args:
        curves: files ``encoders/{recipe}/{chain}/r{run}.jsonl`` and ``classifiers/{recipe}/{chain}/{run and
            fine-tuning}.jsonl`` (``r1-f2``); empty where nothing was trained.
        output: where to.
    """
    frames = [pd.DataFrame(columns=["stage", "recipe", "chain", "run", "finetuning", "split", "step"])]
    for path in map(Path, curves):
        stage, recipe, chain = path.parts[-4:-1]
        run, finetuning = parse_run(path.stem)
        whose: dict[str, Any] = {"stage": stage, "recipe": recipe, "chain": chain, "run": run, "finetuning": finetuning}
        frames.append(pd.DataFrame(read_json_lines(path)).assign(**whose))
    table = pd.concat([frame for frame in frames if not frame.empty] or frames[:1], ignore_index=True)
    with atomic_write(output) as partial:
        table.to_parquet(partial, index=False, compression="zstd")
