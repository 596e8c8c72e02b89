"""Where a job computes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from camembert.runtime.devices import (
    DeviceError,
    autocast,
    choose_precision,
    describe_numerics,
    is_compiled,
    start,
    to_device,
)


@pytest.fixture(autouse=True)
def one_gpu_to_take(monkeypatch, tmp_path):
    """What a job takes is given back after the test."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("camembert.runtime.gpus._held", [])


@pytest.mark.parametrize(
    ("built", "message"),
    [(True, "this process sees no GPU; .* give the job a GPU"), (False, "PyTorch .* for CPUs; .* setup")],
)
def test_a_gpu_that_is_not_there_is_named(monkeypatch, built, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.cuda.is_built", lambda: built)
    with pytest.raises(DeviceError, match=f"device is 'cuda', but {message}"):
        start("cuda", torch.get_num_threads(), gpus=1)


@pytest.mark.parametrize(
    ("device", "gpus", "there", "expected"),
    [
        ("auto", 1, True, "cuda"),
        ("auto", 1, False, "cpu"),
        ("auto", 0, True, "cpu"),
        ("cuda", 0, True, "cuda"),
        ("cpu", 1, True, "cpu"),
    ],
)
def test_auto_is_a_gpu_where_one_is_reserved_and_seen(monkeypatch, caplog, device, gpus, there, expected):
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    monkeypatch.setattr("torch.cuda.device_count", lambda: int(there))
    with caplog.at_level("INFO", "camembert"):
        assert start(device, torch.get_num_threads(), gpus).type == expected
    assert ("this process can use none: it computes on the CPU" in caplog.text) == (gpus > there)
    assert ("computing on a GPU" in caplog.text) == (expected == "cuda")


@pytest.mark.parametrize(
    ("device", "gpus", "expected"), [("auto", 2, "0,1"), ("auto", 1, "0"), ("cuda", 0, "0"), ("auto", 0, None)]
)
def test_a_job_sees_the_gpus_that_it_takes(monkeypatch, device, gpus, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    start(device, torch.get_num_threads(), gpus)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == expected


TAKE_ONE = """
import sys, torch
from camembert.runtime.devices import start
ones = torch.ones(2, device=start("cuda", 1, 1))
print(torch.cuda.device_count(), torch.cuda.get_device_properties(ones.device).uuid, flush=True)
sys.stdin.read()
"""


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that PyTorch sees")
def test_a_job_computes_on_the_gpu_that_it_takes_and_sees_no_other(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3] / "scripts")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    jobs = [subprocess.Popen([sys.executable, "-c", TAKE_ONE], **pipes) for _ in range(torch.cuda.device_count())]
    seen = [job.stdout.readline().split() for job in jobs]
    for job in jobs:
        job.communicate()
    assert {count for count, _ in seen} == {"1"}
    assert len({uuid for _, uuid in seen}) == len(jobs)


def test_more_gpus_than_there_are_are_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(DeviceError, match="has 2 GPUs reserved, but this process sees 1; lower resources"):
        start("auto", torch.get_num_threads(), gpus=2)


def test_a_job_computes_with_its_threads():
    before = torch.get_num_threads()
    start("cpu", 2, 0)
    assert torch.get_num_threads() == 2
    start("cpu", before, 0)


def test_a_batch_moves_with_its_tensors_and_keeps_its_count(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    batch = {"token": torch.ones(2, 3), "real_tokens": 6}
    assert to_device(batch, torch.device("cpu")) is batch
    moved = to_device(batch, torch.device("meta"))
    assert moved["token"].device.type == "meta"
    assert moved["real_tokens"] == 6


CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def gpu(monkeypatch):
    """A GPU of a name and a compute capability, as far as anybody asks."""

    def pretend(name: str, capability: tuple[int, int]) -> None:
        monkeypatch.setattr("torch.cuda.get_device_name", lambda _: name)
        monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: capability)

    return pretend


@pytest.mark.parametrize(
    ("capability", "precision", "expected"),
    [
        ((9, 0), "auto", "bf16"),
        ((8, 0), "auto", "bf16"),
        ((7, 5), "auto", "fp32"),
        ((7, 5), "bf16", "bf16"),
        ((9, 0), "fp32", "fp32"),
    ],
)
def test_auto_is_bfloat16_on_a_gpu_that_computes_in_it(gpu, capability, precision, expected):
    gpu("a GPU", capability)
    assert choose_precision(GPU, precision) == expected


def test_on_a_cpu_auto_is_float32_and_bfloat16_is_had_by_asking():
    product = {}
    for precision in ("auto", "fp32", "bf16"):
        with autocast(CPU, precision):
            product[precision] = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    assert product == {"auto": torch.float32, "fp32": torch.float32, "bf16": torch.bfloat16}


def test_a_model_is_compiled_where_a_part_of_it_is(monkeypatch):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert not is_compiled(model)
    model[1].compile(backend="eager")
    assert is_compiled(model)
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    assert not is_compiled(model)


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("torch.get_num_threads", lambda: 7),
        ("camembert.runtime.parallel.world_size", lambda: 2),
        ("torch.__version__", "0.0"),
        ("camembert.runtime.devices.version", lambda _: "0.0"),
        ("torch.cuda.get_device_name", lambda _: "another GPU"),
        ("torch.version.cuda", "0.0"),
    ],
)
def test_what_the_last_digits_depend_on_is_named(monkeypatch, gpu, what, value):
    gpu("NVIDIA H200", (9, 0))
    before = describe_numerics(GPU)
    assert before not in (describe_numerics(CPU), describe_numerics(GPU, "fp32"), describe_numerics(GPU, compiled=True))
    monkeypatch.setattr(what, value)
    assert describe_numerics(GPU) != before


def test_a_run_may_go_on_on_another_cpu(monkeypatch):
    before = describe_numerics(CPU)
    monkeypatch.setattr("camembert.runtime.devices.processor_name", lambda: "another CPU")
    assert describe_numerics(CPU) == before
