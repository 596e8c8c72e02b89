"""Writes the model card of every folder of the release."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import read_json, write_text
from camembert.release.modelcard import model_card
from camembert.runtime.job import logged


def write_model_cards(
    choice: Path,
    trained: Sequence[Path],
    evaluated: Sequence[Path],
    cards: Mapping[str, Path],
    *,
    experiment: str,
    kept: Sequence[str],
    task: Mapping[str, Any],
    labels: Path,
    citation: Path,
) -> None:
    """Writes README.md files.

    Args:
        choice: JSON file that tells what was chosen.
        trained: metrics of the encoders and classifiers it was chosen among.
        evaluated: metrics of the forms of the classifier.
        cards: where each folder's card goes, by the folder's name.
        experiment: the experiment's name.
        kept: languages whose tokens the trimmed vocabulary keeps.
        task: name and source of the task, and whether its examples are pairs of sentences.
        labels: JSON file with the names of its labels.
        citation: CITATION.cff of this software.
    """
    measured = {facts["form"]: facts for facts in map(read_json, evaluated)}
    for form, path in cards.items():
        card = model_card(
            form,
            read_json(choice),
            trained,
            measured,
            experiment=experiment,
            kept=kept,
            task=task,
            labels=read_json(labels),
            citation=citation,
        )
        write_text(path, card)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        write_model_cards(
            job.input.choice,
            job.input.trained,
            job.input.evaluated,
            {Path(path).parent.name: path for path in job.output},
            experiment=job.params.experiment,
            kept=job.params.kept,
            task=job.params.task,
            labels=Path(job.input.labels),
            citation=Path(job.input.citation),
        )
