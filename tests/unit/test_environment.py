"""The pinned environment, said in two places for two kinds of users."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_the_conda_environment_has_the_versions_of_the_lock():
    lock = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE))
    environment = yaml.safe_load((ROOT / "envs" / "camembert.yaml").read_text())
    pins = dict(line.split("==") for line in environment["dependencies"][-1]["pip"])
    assert pins == {name: lock[name] for name in pins}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_requirement_is_pinned(name):
    lock = (ROOT / f"{name}.txt").read_text().lower()
    wanted = [line for line in (ROOT / f"{name}.in").read_text().splitlines() if line and line[0] not in "#-"]
    for package in wanted:
        assert f"\n{package.split('==')[0].lower()}==" in f"\n{lock}"


def test_what_developers_need_has_the_versions_that_run():
    runs, develops = (
        dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / f"{name}.txt").read_text(), flags=re.MULTILINE))
        for name in ("requirements", "requirements-dev")
    )
    assert {name: version for name, version in develops.items() if runs.get(name, version) != version} == {}
