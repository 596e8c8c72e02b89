"""Where a job computes."""

import pytest
import torch

from camembert.runtime.devices import DeviceError, numerics, start, to_device
from camembert.training.loop import batch_tokens


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(DeviceError, match="device is 'cuda', but this process sees no GPU"):
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
    assert batch_tokens(moved) == 6
    assert batch_tokens({}) == 0


@pytest.mark.parametrize(
    ("what", "value"),
    [("torch.get_num_threads", 7), ("camembert.runtime.parallel.size", 2), ("torch.__version__", "0.0")],
)
def test_what_the_last_digits_depend_on_is_named(monkeypatch, what, value):
    cpu = torch.device("cpu")
    before = numerics(cpu)
    assert numerics(torch.device("cuda")) != before
    monkeypatch.setattr(what, value if isinstance(value, str) else lambda: value)
    assert numerics(cpu) != before
