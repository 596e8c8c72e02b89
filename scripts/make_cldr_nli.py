"""Writes CLDR-NLI: training pairs, dev and test pairs in every language, and the names of the labels."""

from pathlib import Path

from camembert.core.files import write_json
from camembert.data.cldr_nli import LABELS, draw_splits, render_split
from camembert.data.tasks import write_examples
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        splits = draw_splits(job.params.sizes, job.params.seed)
        for path in map(Path, [*job.output.train, *job.output.dev, *job.output.test]):  # SPLIT-LANGUAGE.parquet
            split, _, language = path.stem.partition("-")
            write_examples(render_split(splits[split], split, language), path)
        write_json(job.output.labels, LABELS)
