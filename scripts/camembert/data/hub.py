"""Downloads from the Hugging Face hub by its own client: whole and verified, or refused in one sentence.

A download that fails is tried again by Snakemake (`retries` of the rule); files that have arrived stay until then.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from camembert.core.files import CONFIG, WEIGHTS
from camembert.data.manifest import DownloadError, write_manifest

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

from camembert.plan.teachers import SLOW_TOKENIZERS, TOKENIZER_FILES

log = logging.getLogger(__name__)

ANSWER_SECONDS = 30
MODEL_FILES = (CONFIG, *TOKENIZER_FILES)
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


def matching(patterns: list[str], names: list[str]) -> list[str]:
    """Names the files that any of the patterns means.

    Raises:
        DownloadError: a pattern means none.
    """
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in names):
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise DownloadError(f"has no file {pattern}, only {shown}; correct the pattern or the languages")
    return [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]


def model_files(names: list[str]) -> list[str]:
    """Names the files of a model that are needed: config, tokenizer, weights as safetensors where there are any.

    Raises:
        DownloadError: config, weights or a tokenizer that can be read are missing.
    """
    weights = [[name for name in names if any(fnmatch(name, each) for each in form)] for form in (SAFETENSORS, PICKLED)]
    if CONFIG not in names or not any(weights):
        raise DownloadError("is no model that transformers can load: it has no config.json or no weights; name another")
    if not set(TOKENIZER_FILES[:2]).intersection(names):
        slow = next((name for name in SLOW_TOKENIZERS if name in names), None)
        found = f"has its tokenizer as {slow} only" if slow else "has no tokenizer"
        raise DownloadError(f"{found}, expected tokenizer.json; take a repository that has one")
    return [name for name in MODEL_FILES if name in names] + (weights[0] or weights[1])


def download(
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
        raise DownloadError(f"did not arrive as the hub lists it ({', '.join(wrong)}); {_kept(folder)}")
    shutil.rmtree(folder / ".cache")
    for path in folder.rglob("*"):  # of an unfinished download of other files
        if path.is_file() and path.relative_to(folder).as_posix() not in chosen:
            path.unlink()


def _kept(files: Path) -> str:
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
            advice = ADVICE.get(status, f"answers {status}; try again later: {_kept(files)}")
            return f"cannot be downloaded: {constants.ENDPOINT} {advice}"
        case httpx2.TransportError():
            advice = "connect this machine, or bring the files and use them as a folder"
            return f"cannot be downloaded: {constants.ENDPOINT} cannot be reached ({said}); {advice}: {_kept(files)}"
        case OSError(errno=number) if number in NO_ROOM:
            return f"could not be written: {said}; make room or choose another --directory: {_kept(files)}"
    return f"could not be downloaded ({type(error).__name__}: {said}); {_kept(files)}"
