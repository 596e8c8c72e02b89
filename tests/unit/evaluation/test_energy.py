"""Energy is read from the machine's own counters, and from none where there are none."""

import pytest

from camembert.evaluation.energy import Counter, EnergyMeter, gpu_counters, processor_counters


def zone(root, number, name, microjoules):
    folder = root / f"intel-rapl:{number}"
    folder.mkdir()
    for file, content in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", 10_000_000)):
        (folder / file).write_text(f"{content}\n")
    return folder


def test_the_packages_of_a_processor_are_counted_and_their_parts_are_not(tmp_path):
    package = zone(tmp_path, 0, "package-0", 1_500_000)
    zone(tmp_path, "0:0", "core", 1_000_000)
    with EnergyMeter(processor_counters(tmp_path)) as meter:
        (package / "energy_uj").write_text("4000000")
    assert meter.joules == pytest.approx(2.5)


def test_a_counter_that_started_again_counts_on():
    values = iter([9.0, 2.0])
    with EnergyMeter([Counter(lambda: next(values), wraps_at=10.0)]) as meter:
        pass
    assert meter.joules == pytest.approx(3.0)


def test_no_counter_is_no_energy_and_not_zero(tmp_path):
    zone(tmp_path, 0, "package-0", 0).joinpath("energy_uj").unlink()
    with EnergyMeter(processor_counters(tmp_path)) as meter:
        pass
    assert meter.joules is None
    assert gpu_counters("0000", library="libdoes-not-exist.so") == []
