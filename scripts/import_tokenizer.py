"""Makes the tokenizer of a given teacher the workflow's, after a look at what kind of model it is."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from camembert.core.files import atomic_write, write_json
from camembert.data.leaks import documents_read
from camembert.data.manifest import MANIFEST, check_manifest
from camembert.data.tasks import texts_of
from camembert.data.text import read_documents
from camembert.plan.teachers import ALL, check_architecture, config_of, first_position, folder_of, teacher_files
from camembert.runtime.job import log, logged
from camembert.tokens.given_tokenizer import import_tokenizer, unknown_shares
from camembert.tokens.tokenizer import load_tokenizer, special_tokens, use_threads
from camembert.tokens.trimming import trim_tokenizer


def check_and_import(
    teacher: Path,
    declared: dict[str, int],
    vocabulary: int,
    needs_mask: Sequence[str],
    samples: Mapping[str, Iterable[str]],
    max_unknown: float,
    kept: str | int,
    texts: Iterable[str],
    output: Path,
) -> None:
    """Checks config and tokenizer of a model folder and writes the tokenizer as `AutoTokenizer` loads it.

    Samples of text that it does not know are refused. It is cut down to what teacher.vocabulary says is kept (`kept`),
    by the tokens of the texts.
    """
    check_manifest(teacher)
    teacher_files(teacher)
    check_architecture(teacher, declared, vocabulary)
    config = config_of(teacher)
    with atomic_write(output) as partial:
        import_tokenizer(teacher, partial, config, needs_mask)
        unknown = special_tokens(partial).get("unk_token")
        shares = unknown_shares(load_tokenizer(partial), unknown, samples, max_unknown)
        write_json(partial / MANIFEST, {"unknown": shares})
        if kept != ALL:
            number = trim_tokenizer(partial, texts, kept, first_position(config))
            log.info("%d of the embedding's %d rows are kept", number, vocabulary)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        use_threads(job.threads)
        files, readings = dict(job.input.items()), job.params.text
        check_and_import(
            folder_of(job.input.teacher),
            job.params.declared,
            job.params.vocabulary,
            job.params.needs_mask,
            {
                "{} of corpus {}".format(*name.split("_", 1)): read_documents(files[name], **reading)
                for name, reading in readings.items()
            },
            job.params.max_unknown,
            job.params.kept,
            chain(documents_read(files, readings, job.input.checked), texts_of(job.input.examples)),
            job.output[0],
        )
