"""Makes the tokenizer of a given teacher the workflow's, after a look at what kind of model it is."""

from itertools import chain

from camembert.core.files import atomic_write, write_json
from camembert.data.manifest import MANIFEST, check_manifest
from camembert.data.tasks import read_texts
from camembert.data.text import TrainingDocuments, read_sample
from camembert.plan.teachers import (
    ALL,
    check_architecture,
    find_model_folder,
    find_teacher_files,
    first_position,
    read_model_config,
)
from camembert.runtime.job import log
from camembert.tokens.given_tokenizer import SAMPLE, import_tokenizer, measure_unknown
from camembert.tokens.tokenizer import load_tokenizer, special_tokens, use_threads
from camembert.tokens.trimming import trim_tokenizer
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job, atomic_write(job.output[0]) as partial:
        use_threads(job.threads)
        teacher = find_model_folder(job.input.teacher)
        check_manifest(teacher)
        find_teacher_files(teacher)
        check_architecture(teacher, job.params.declared, job.params.vocabulary)
        config = read_model_config(teacher)
        import_tokenizer(teacher, partial, config, job.params.needs_mask)
        files, readings = dict(job.input.items()), job.params.text
        samples = {
            "{} of corpus {}".format(*name.split("_", 1)): read_sample(files[name], SAMPLE, **reading)
            for name, reading in readings.items()
        }
        unknown = special_tokens(partial).get("unk_token")
        shares = measure_unknown(load_tokenizer(partial), unknown, samples, job.params.max_unknown)
        write_json(partial / MANIFEST, {"unknown": shares})
        if job.params.kept != ALL:
            documents = TrainingDocuments(files, readings, job.input.checked)
            texts = chain(documents, read_texts(job.input.examples))
            rows = trim_tokenizer(partial, texts, job.params.kept, first_position(config))
            log.info("%d of the embedding's %d rows are kept", rows, job.params.vocabulary)
