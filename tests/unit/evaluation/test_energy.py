"""Energy is read from a GPU's own counter, and is unknown, not zero, where there is none."""

import pynvml
import pytest

from camembert.evaluation.energy import gpu_energy


def test_no_driver_is_no_energy_and_not_zero(monkeypatch):
    def absent():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    assert gpu_energy("0000") is None


def test_a_gpu_without_a_counter_has_no_energy(monkeypatch):
    def unsupported(handle):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", unsupported)
    assert gpu_energy("0000") is None


def test_the_counter_of_the_gpu_that_is_asked_for_is_read_in_joules(monkeypatch):
    millijoules = {"GPU-1-2": iter([1000, 2000, 4500])}
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: next(millijoules[handle]))
    joules_spent = gpu_energy("1-2")
    assert joules_spent is not None
    assert [joules_spent(), joules_spent()] == pytest.approx([2.0, 4.5])
