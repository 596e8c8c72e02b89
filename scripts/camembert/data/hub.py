"""Downloads from the Hugging Face hub: whole, verified, recorded in a manifest, or refused in one sentence."""

from __future__ import annotations

import glob
import logging
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from camembert.core.files import read_json, write_json
from camembert.core.model_files import CONFIG, WEIGHTS
from camembert.data.manifest import MANIFEST, write_manifest

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # it fails in ways of its own; plain HTTPS is tested

import httpx2
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from huggingface_hub.utils import disable_progress_bars

from camembert.data.hub_errors import Damaged, DownloadError, Explained, short
from camembert.plan.teachers import SLOW_TOKENIZERS, TOKENIZER_FILES

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

log = logging.getLogger(__name__)
T = TypeVar("T")

ATTEMPTS = 5
ANSWER_SECONDS = 30
WAIT_SECONDS = 2.0
"""Before the second attempt; doubled before each other one."""
FILES_AT_ONCE = 8
MODEL_FILES = (CONFIG, *TOKENIZER_FILES)
SAFETENSORS = (WEIGHTS, f"{WEIGHTS}.index.json", "model-*.safetensors")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin")
"""Read with `weights_only`, and only of a model that has nothing better."""


def matching(patterns: list[str], names: list[str]) -> list[str]:
    """The files that any of the patterns means.

    Raises:
        DownloadError: a pattern means none.
    """
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in names):
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise DownloadError(f"has no file {pattern}, only {shown}; correct the pattern or the languages")
    return [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]


def model_files(names: list[str]) -> list[str]:
    """The files of a model that are needed: config, tokenizer, weights as safetensors where there are any.

    Raises:
        DownloadError: config, weights or a tokenizer that can be read are missing.
    """
    for patterns in (SAFETENSORS, PICKLED):
        if weights := [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]:
            if CONFIG not in names:
                break
            if not set(TOKENIZER_FILES[:2]).intersection(names):
                slow = next((name for name in SLOW_TOKENIZERS if name in names), None)
                found = f"has its tokenizer as {slow} only" if slow else "has no tokenizer"
                raise DownloadError(f"{found}, expected tokenizer.json; take a repository that has one")
            return [name for name in MODEL_FILES if name in names] + weights
    raise DownloadError("is no model that transformers can load: it has no config.json or no weights; name another")


def download(
    repository: str,
    kind: str,
    revision: str,
    choose: Callable[[list[str]], list[str]],
    output: str | os.PathLike[str],
    unfinished: str | os.PathLike[str],
) -> dict[str, Any]:
    """Downloads files of a repository, verifies each against the hub's own checksum and writes a manifest.

    Several files arrive at once. Those that have arrived when it fails stay in `unfinished`, and the next call
    continues after them; only a transfer that breaks off without ending the call goes on inside a file.

    Args:
        repository: such as google-bert/bert-base-multilingual-cased.
        kind: "model" or "dataset".
        revision: a branch, tag or commit; the manifest records the commit it stood for.
        choose: the files wanted, of those there are.
        output: folder of the files and their manifest, whole or absent.
        unfinished: a fixed folder on the same disk; it also keeps the manifest of the last download, since the files
            of a commit must never change.

    Returns:
        The manifest.

    Raises:
        DownloadError: in one sentence.
    """
    disable_progress_bars()
    unfinished, output = Path(unfinished), Path(output)
    files = unfinished / "files"
    where = f"{kind} {repository} at {revision}"
    with Explained(where, files):
        commit, siblings = _attempt(lambda: _listing(repository, kind, revision), where)
        chosen = choose(sorted(siblings))
        size = sum(siblings[name].size or 0 for name in chosen)
        log.info("%s is commit %s: %d files, %.1f MiB", where, commit, len(chosen), size / 2**20)
        _remove_begun(files)
        _check_room(files, chosen, siblings)
        _remove_others(files, chosen)
        wanted = {name: siblings[name] for name in chosen}
        _attempt(partial(_fetch, repository, kind, commit, wanted, files), where, partial(_arrived, files, chosen))
        shutil.rmtree(files / ".cache")
        retrieved = datetime.now(UTC).isoformat(timespec="seconds")
        facts = {"repository": repository, "kind": kind, "revision": revision, "commit": commit}
        write_manifest(files, chosen, **facts, endpoint=constants.ENDPOINT, retrieved=retrieved)
        manifest: dict[str, Any] = read_json(files / MANIFEST)
        _compare(manifest, unfinished / MANIFEST)
        if output.exists():
            shutil.rmtree(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        os.replace(files, output)
        write_json(unfinished / MANIFEST, manifest)
    return manifest


def _listing(repository: str, kind: str, revision: str) -> tuple[str, dict[str, RepoSibling]]:
    about = HfApi().dataset_info if kind == "dataset" else HfApi().model_info
    info = about(repository, revision=revision, files_metadata=True, timeout=ANSWER_SECONDS)
    return str(info.sha), {file.rfilename: file for file in info.siblings or []}


def _check_room(folder: Path, names: list[str], siblings: dict[str, RepoSibling]) -> None:
    """Refuses to begin what the disk cannot hold."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = sum(siblings[name].size or 0 for name in names if not (folder / name).is_file())
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise DownloadError(
            f"needs {missing / 2**20:.1f} MiB, but the disk of {folder} has {free / 2**20:.1f} MiB left; make room or"
            " choose another --directory"
        )


def _fetch(repository: str, kind: str, commit: str, wanted: dict[str, RepoSibling], folder: Path) -> None:
    """Brings the files of a commit that are not there yet, several at once, and has the hub's checksums compared."""
    names = [glob.escape(name) for name in wanted]
    try:
        snapshot_download(
            repository,
            repo_type=kind,
            revision=commit,
            local_dir=folder,
            allow_patterns=names,
            max_workers=FILES_AT_ONCE,
        )
    except LocalEntryNotFoundError as error:  # how it reports that the hub did not answer
        raise (error.__cause__ or error) from None
    found = HfApi().verify_repo_checksums(repository, repo_type=kind, revision=commit, local_dir=folder)
    wrong = [f"{name} did not arrive" for name in found.missing_paths if name in wanted]
    for name in (mismatch["path"] for mismatch in found.mismatches):
        size = (folder / name).stat().st_size
        (folder / name).unlink()
        wrong.append(
            f"of {name} {size} bytes arrived, and they are not the {wanted[name].size} bytes that the hub lists"
        )
    if wrong:
        raise Damaged(wrong[0])


def _arrived(folder: Path, names: list[str]) -> int:
    return sum((folder / name).is_file() for name in names)


def _attempt(act: Callable[[], T], what: str, progress: Callable[[], int] = int) -> T:
    """Tries again after failures that pass: a broken transfer, a server that is busy or down.

    Attempts are counted anew whenever `progress` has grown, so that many files may fail one after another.
    """
    attempt, reached = 1, progress()
    while True:
        try:
            return act()
        except (Damaged, httpx2.TransportError, HfHubHTTPError, OSError) as error:
            if progress() > reached:
                attempt, reached = 1, progress()
            if attempt == ATTEMPTS or not _passes(error):
                raise
            wait = WAIT_SECONDS * 2 ** (attempt - 1)
            attempt += 1
            log.warning("%s: %s; attempt %d of %d in %.0f s", what, short(error), attempt, ATTEMPTS, wait)
            time.sleep(wait)


def _passes(error: Exception) -> bool:
    if isinstance(error, HfHubHTTPError):
        return error.response is not None and error.response.status_code in (408, 429, 500, 502, 503, 504)
    if isinstance(error, OSError):
        return str(error).startswith("Consistency check failed")  # huggingface_hub's words for a transfer cut short
    return True


def _remove_begun(folder: Path) -> None:
    """Deletes the part of a file that a killed download left, which the library never goes on with."""
    for path in (folder / ".cache").rglob("*.incomplete"):
        path.unlink()


def _remove_others(folder: Path, chosen: list[str]) -> None:
    """Deletes what an earlier, unfinished download of other files left."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in chosen and not name.startswith(".cache/"):
            path.unlink()


def _compare(manifest: dict[str, Any], earlier_path: Path) -> None:
    """Compares what came with what came before: the same commit must be the same files."""
    if not earlier_path.is_file():
        return
    earlier = read_json(earlier_path)
    if earlier["commit"] != manifest["commit"]:
        log.warning("%s was commit %s before, is %s now", manifest["revision"], earlier["commit"], manifest["commit"])
        return
    for name, facts in manifest["files"].items():
        if name in earlier["files"] and earlier["files"][name]["sha256"] != facts["sha256"]:
            raise DownloadError(
                f"has another {name} than when it was downloaded before (sha256 {facts['sha256'][:12]}, before"
                f" {earlier['files'][name]['sha256'][:12]}), and a commit never changes: find out why, then delete"
                f" {earlier_path} to accept it"
            )
