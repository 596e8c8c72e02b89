"""Makes the tokenizer of a given teacher the workflow's, after a look at what kind of model it is."""

from pathlib import Path

from camembert.core.files import atomic_write
from camembert.data.manifest import MANIFEST, check_manifest
from camembert.data.tokenizer import read_tokenizer, save_tokenizer
from camembert.plan.sources import check_architecture, folder_of, teacher_files
from camembert.runtime.job import logged


def import_tokenizer(teacher: Path, declared: dict[str, int], vocabulary: int, output: Path) -> None:
    """Checks config and tokenizer of a model folder and writes the tokenizer as `AutoTokenizer` loads it."""
    if (teacher / MANIFEST).is_file():
        check_manifest(teacher)
    teacher_files(teacher)
    check_architecture(teacher, declared, vocabulary)
    tokenizer, lowercase = read_tokenizer(teacher, vocabulary)
    with atomic_write(output) as partial:
        save_tokenizer(tokenizer, partial, declared["positions"], lowercase)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        import_tokenizer(folder_of(job.input.teacher), job.params.declared, job.params.vocabulary, job.output[0])
