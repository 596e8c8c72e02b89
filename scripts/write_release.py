"""Puts a form of the release into the folder that people take, with its model card."""

import shutil
from pathlib import Path

from camembert.core.files import atomic_write, read_json
from camembert.release.forms import FORMS
from camembert.release.modelcard import CARD, model_card
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        form, params = FORMS[job.wildcards.form], job.params
        card = model_card(
            form,
            read_json(job.input.choice),
            job.input.trained,
            read_json(job.input.measured),
            read_json(job.input.classifier),
            experiment=params.experiment,
            kept=params.kept,
            pooling=params.pooling,
            task=params.task,
            labels=read_json(job.input.labels),
            citation=Path(job.input.citation),
        )
        with atomic_write(job.output[0]) as partial:
            shutil.copytree(job.input.folder, partial)
            (partial / CARD).write_text(card, encoding="utf-8")
