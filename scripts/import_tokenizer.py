"""Makes the tokenizer of a given teacher the workflow's, after a look at what kind of model it is."""

from collections.abc import Sequence
from pathlib import Path

from camembert.core.files import atomic_write
from camembert.data.manifest import MANIFEST, check_manifest
from camembert.plan.teachers import check_architecture, config_of, folder_of, teacher_files
from camembert.runtime.job import logged
from camembert.tokens.given_tokenizer import import_tokenizer


def check_and_import(
    teacher: Path, declared: dict[str, int], vocabulary: int, needs_mask: Sequence[str], output: Path
) -> None:
    """Checks config and tokenizer of a model folder and writes the tokenizer as `AutoTokenizer` loads it."""
    if (teacher / MANIFEST).is_file():
        check_manifest(teacher)
    teacher_files(teacher)
    check_architecture(teacher, declared, vocabulary)
    with atomic_write(output) as partial:
        import_tokenizer(teacher, partial, config_of(teacher), needs_mask)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        check_and_import(
            folder_of(job.input.teacher),
            job.params.declared,
            job.params.vocabulary,
            job.params.needs_mask,
            job.output[0],
        )
