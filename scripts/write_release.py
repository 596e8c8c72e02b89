"""Puts a form of the release into the folder that people take, with its model card."""

import shutil
from pathlib import Path

from camembert.core.files import atomic_write, read_json
from camembert.release.choice import FORMS
from camembert.release.modelcard import CARD, model_card
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        card = model_card(
            FORMS[job.wildcards.form],
            read_json(job.input.choice),
            job.input.trained,
            read_json(job.input.measured),
            read_json(job.input.classifier),
            **dict(job.params.items()),
            labels=read_json(job.input.labels),
            citation=Path(job.input.citation),
        )
        with atomic_write(job.output[0]) as partial:
            shutil.copytree(job.input.folder, partial)
            (partial / CARD).write_text(card, encoding="utf-8")
