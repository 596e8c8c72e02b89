"""What data is: what was downloaded, written beside it, and the sha256 of every file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import read_json, write_json
from camembert.core.provenance import hash_file

MANIFEST = "manifest.json"


class ManifestError(ValueError):
    """A download that is not what its manifest says."""


def write_manifest(folder: str | os.PathLike[str], names: Iterable[str], **facts: Any) -> None:
    """Writes the manifest of a folder: `facts`, and size and sha256 of the files named."""
    write_json(Path(folder) / MANIFEST, facts | _sizes_and_hashes({name: Path(folder) / name for name in names}))


def describe_files(files: Sequence[str | os.PathLike[str]]) -> dict[str, Any]:
    """What a set of files is: the checked manifest of a download's folder, or size and sha256 of each."""
    paths = [Path(path) for path in files]
    unique = len({path.name for path in paths}) == len(paths)
    return check_manifest(paths[0]) or _sizes_and_hashes({path.name if unique else str(path): path for path in paths})


def _sizes_and_hashes(files: dict[str, Path]) -> dict[str, Any]:
    return {"files": {name: {"bytes": p.stat().st_size, "sha256": hash_file(p)} for name, p in files.items()}}


def check_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads the manifest of a folder that was downloaded and checks every file against it; {} of another folder.

    Raises:
        ManifestError: a file is missing or was changed after the download.
    """
    if not (Path(folder) / MANIFEST).is_file():
        return {}
    manifest = read_json(Path(folder) / MANIFEST)
    if not (isinstance(manifest, dict) and isinstance(manifest.get("files"), dict)):
        return {}  # another program's
    for name, facts in manifest["files"].items():
        path = Path(folder) / name
        if not path.is_file():
            raise ManifestError(f"{path} is missing, but {MANIFEST} beside it lists it; delete {folder} and run again")
        found = path.stat().st_size
        if found != facts["bytes"] or hash_file(path) != facts["sha256"]:
            raise ManifestError(
                f"{path} ({found} bytes) is not the file that was downloaded ({facts['bytes']} bytes, sha256"
                f" {facts['sha256'][:12]}); delete {folder} and run again to download it anew"
            )
    return manifest
