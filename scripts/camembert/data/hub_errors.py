"""What goes wrong when something is downloaded from the Hugging Face hub, each in one sentence."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DownloadError(OSError):
    """A download that failed, with the repository, the reason and what to do."""


class Damaged(Exception):
    """What arrived is not what the hub said it would send; worth another attempt."""


def short(error: BaseException) -> str:
    """The first line of an error, or its kind where it says nothing."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


class Explained:
    """Turns whatever goes wrong in a download into one sentence."""

    def __init__(self, where: str, files: Path) -> None:
        self.where, self.files = where, files

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or not isinstance(error, Exception):
            return
        raise DownloadError(f"{self.where} {self.reason(error)}") from error

    def reason(self, error: Exception) -> str:
        """The rest of the sentence that begins with what was to be downloaded."""
        kept = f"what has arrived stays in {self.files}, the next start continues"
        token = "log in with `hf auth login` or set HF_TOKEN"
        match error:
            case DownloadError():
                return str(error)
            case OfflineModeIsEnabled():
                return "cannot be downloaded while HF_HUB_OFFLINE is set; unset it, or use data from a folder"
            case GatedRepoError():
                return f"is gated: accept its terms on {constants.ENDPOINT}, then {token}"
            case RevisionNotFoundError():
                return "does not exist, though the repository does; correct the revision"
            case RepositoryNotFoundError():
                return f"does not exist, or is private; correct the name, or {token}"
            case EntryNotFoundError() | Damaged():
                return f"did not arrive as the hub lists it ({short(error)}); {kept}"
            case HfHubHTTPError():
                status = error.response.status_code if error.response is not None else "an error"
                if status == 401:
                    return (
                        f"cannot be downloaded: {constants.ENDPOINT} does not accept the token (401);"
                        " log in again with `hf auth login`, or correct or unset HF_TOKEN"
                    )
                if status == 403:
                    return (
                        f"cannot be downloaded: {constants.ENDPOINT} answers 403 (forbidden); find out whether your"
                        " token lacks the permission, the repository is disabled or a proxy refuses"
                    )
                return f"cannot be downloaded: {constants.ENDPOINT} answers {status}; try again later: {kept}"
            case httpx2.TransportError():
                advice = "connect this machine, or bring the files and use them as a folder"
                return (
                    f"cannot be downloaded: {constants.ENDPOINT} cannot be reached ({short(error)}); {advice}: {kept}"
                )
            case OSError() if error.errno in NO_ROOM:
                return f"could not be written: {short(error)}; make room or choose another --directory: {kept}"
        return f"could not be downloaded ({type(error).__name__}: {short(error)}); {kept}"
