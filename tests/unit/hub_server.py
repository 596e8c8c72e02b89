"""A small Hugging Face hub on 127.0.0.1: the part of its protocol that downloads use, and its failures on demand."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

SCRIPTS = Path(__file__).parents[2] / "scripts"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the server has, and how it fails.

    Attributes:
        files: content by kind ("models", "datasets"), repository and path.
        commit: what every branch stands for.
        branches: their names.
        large: suffixes of the files whose sha256 is listed, as for those kept in LFS.
        gated: repositories that answer 403.
        unknown: the answer for repositories that are not there; the hub's own is 401 to those not logged in.
        accepts_tokens: whether any token is good; a bad one is refused even where none is needed.
        failures: how many of the next requests for a path (part of a URL) fail.
        failing: the status they are answered with.
        cut: bytes after which the next transfers of a path break off.
        corrupt: paths whose content arrives altered, its length unchanged.
        requests: method and path of everything asked.
    """

    files: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=lambda: {"models": {}, "datasets": {}})
    commit: str = COMMIT
    branches: list[str] = field(default_factory=lambda: ["main"])
    large: tuple[str, ...] = (".parquet", ".safetensors", ".bin")
    gated: set[str] = field(default_factory=set)
    unknown: int = 404
    accepts_tokens: bool = True
    failures: dict[str, int] = field(default_factory=dict)
    failing: int = 500
    cut: dict[str, list[int]] = field(default_factory=dict)
    corrupt: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    endpoint: str = ""

    def siblings(self, files: dict[str, bytes]) -> list[dict[str, Any]]:
        """The files of a repository as the API lists them with `blobs=true`."""
        rows = []
        for name, content in files.items():
            row: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": self.etag("", content)}
            if name.endswith(self.large):
                row["lfs"] = {"sha256": self.etag(name, content), "size": len(content), "pointerSize": 134}
            rows.append(row)
        return rows

    def tree(self, files: dict[str, bytes]) -> list[dict[str, Any]]:
        """The same as the API lists a revision's tree."""
        return [
            {"type": "file", "path": row["rfilename"], "size": row["size"], "oid": row["blobId"]}
            | ({"lfs": row["lfs"] | {"oid": row["lfs"]["sha256"]}} if "lfs" in row else {})
            for row in self.siblings(files)
        ]

    def etag(self, name: str, content: bytes) -> str:
        """The sha256 of a file that is kept in LFS, or git's hash of the content of another."""
        if name.endswith(self.large):
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def refuse(self, status: int, code: str = "", message: str = "") -> None:
            self.send_response(status)
            for name, value in (("Code", code), ("Message", message)):
                if value:
                    self.send_header(f"X-Error-{name}", value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append(f"{self.command} {path}")
            if self.headers.get("Authorization") and not hub.accepts_tokens:
                return self.refuse(401, message="Invalid credentials in Authorization header")
            for part, left in hub.failures.items():
                if part in path and left:
                    hub.failures[part] -= 1
                    return self.refuse(hub.failing)
            if path.startswith("/api/"):
                return self.listing(path)
            return self.file(path, body)

        def repository(self, kind: str, name: str, revision: str) -> dict[str, bytes] | None:
            if name in hub.gated:
                self.refuse(403, "GatedRepo")
            elif name not in hub.files[kind]:
                self.refuse(hub.unknown, "RepoNotFound")
            elif revision not in (*hub.branches, hub.commit):
                self.refuse(404, "RevisionNotFound")
            else:
                return hub.files[kind][name]
            return None

        def listing(self, path: str) -> None:
            _, _, kind, *parts = path.split("/")
            what = next((part for part in ("revision", "tree") if part in parts), None)
            if what is None:
                return self.refuse(404)
            at = parts.index(what)
            name, revision = "/".join(parts[:at]), "/".join(parts[at + 1 :])
            files = self.repository(kind, name, revision)
            if files is None:
                return
            whole = {"id": name, "sha": hub.commit, "siblings": hub.siblings(files)}
            content = json.dumps(whole if what == "revision" else hub.tree(files)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def file(self, path: str, body: bool) -> None:
            parts = path.strip("/").split("/")
            kind = "datasets" if parts[0] == "datasets" else "models"
            parts = parts[1:] if kind == "datasets" else parts
            at = parts.index("resolve")
            files = self.repository(kind, "/".join(parts[:at]), parts[at + 1])
            if files is None:
                return
            name = "/".join(parts[at + 2 :])
            if name not in files:
                return self.refuse(404, "EntryNotFound")
            content, start = files[name], 0
            if range_ := self.headers.get("Range"):
                start = int(range_.removeprefix("bytes=").split("-")[0])
            self.send_response(206 if range_ else 200)
            if range_:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("ETag", f'"{hub.etag(name, content)}"')
            self.send_header("X-Repo-Commit", hub.commit)
            if name.endswith(hub.large):
                self.send_header("X-Linked-Size", str(len(content)))
                self.send_header("X-Linked-Etag", f'"{hub.etag(name, content)}"')
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if not body:
                return
            sent = content[start:]
            if name in hub.corrupt:
                sent = bytes(255 - byte for byte in sent)
            if cuts := hub.cut.get(name):
                self.wfile.write(sent[: cuts.pop(0)])
                self.close_connection = True
                return
            self.wfile.write(sent)

    return Handler


@contextmanager
def serving() -> Iterator[Hub]:
    """Runs the hub on a free port; its `endpoint` is what HF_ENDPOINT is to be."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


# --- a download from it ---------------------------------------------------------------------------------------

DOWNLOAD = """
import logging, sys
from functools import partial
from camembert.data import downloads
logging.basicConfig(level=logging.INFO, format="%(message)s")
name, kind, revision, pattern, output, unfinished = sys.argv[1:]
choose = partial(downloads.choose_matching, pattern.split()) if kind == "dataset" else downloads.choose_model_files
try:
    downloads.download_repository(name, kind, revision, choose, output, unfinished)
except downloads.DownloadError as error:
    sys.exit("REFUSED " + str(error))
"""
"""In a process of its own, as in a job: the client reads its settings when it is imported."""


def run_download(
    hub: Hub,
    folder: Path,
    name: str = "facebook/xnli",
    kind: str = "dataset",
    revision: str = "main",
    pattern: str = "en/test-*.parquet fr/test-*.parquet",
    prelude: str = "",
    **settings: str,
) -> subprocess.CompletedProcess[str]:
    """Downloads files, or a model, from the hub into `folder`/output, in a process with the settings given."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "hf"), **settings}
    arguments = [name, kind, revision, pattern, folder / "output", folder / "kept"]
    command = [sys.executable, "-c", prelude + DOWNLOAD, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=SCRIPTS, env=environment)
