"""Copies the classifier that is best on English dev, and its encoder, into the release."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import atomic_write, write_json
from camembert.release.release import best_on_dev, name_of
from camembert.runtime.job import log, logged


def choose_release(
    metrics: Sequence[Path],
    encoders: Mapping[str, Path],
    classifiers: Mapping[str, Path],
    files: Sequence[str],
    encoder: Path,
    classifier: Path,
    choice: Path,
) -> None:
    """Chooses by the metrics of fine-tuning.

    Args:
        metrics: JSON files of the candidates' fine-tuning.
        encoders: their folders, by the names of the classifiers.
        classifiers: folders, by names such as ``r1-f1``.
        files: what is copied of a folder.
        encoder: released folder.
        classifier: released folder.
        choice: JSON file that tells what was chosen.
    """
    best: dict[str, Any] = best_on_dev(metrics)
    name = name_of(best)
    for source, target in ((encoders[name], encoder), (classifiers[name], classifier)):
        with atomic_write(target) as partial:
            partial.mkdir()
            for file in files:
                shutil.copyfile(Path(source) / file, partial / file)
    write_json(choice, best)
    log.info("Released: %s, %.1f %% on dev", name, 100 * best["dev_accuracy"])


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        choose_release(
            job.input.metrics,
            dict(zip(job.params.names, job.params.encoders, strict=True)),
            dict(zip(job.params.names, job.input.classifiers, strict=True)),
            job.params.files,
            Path(job.output.encoder[0]).parent,
            Path(job.output.classifier[0]).parent,
            Path(job.output.choice),
        )
