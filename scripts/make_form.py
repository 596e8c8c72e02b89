"""Makes one form of a model: its vocabulary trimmed, as ONNX, in eight bits."""

from pathlib import Path

from camembert.core.files import read_json, write_json
from camembert.release.choice import FORMS
from camembert.release.folders import make_form
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        form, params = FORMS[job.wildcards.form], job.params
        chosen = read_json(job.input.choice)[form.whose]["path"]
        facts = make_form(
            form,
            Path(params.folders[chosen]),
            Path(job.output.folder),
            shards=job.input.corpus,
            examples=job.input.examples,
            vocabulary=params.vocabulary,
            pooling=params.pooling,
            dev=job.input.dev,
            evaluation=params.evaluation,
        )
        write_json(job.output.facts, facts)
