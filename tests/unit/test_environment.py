"""The pinned environment, said in two places for two kinds of users."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_conda_environment_has_the_versions_of_the_lock():
    lock = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE))
    environment = yaml.safe_load((ROOT / "envs" / "camembert.yaml").read_text())
    pins = dict(line.split("==") for line in environment["dependencies"][-1]["pip"])
    assert pins == {name: lock[name] for name in pins}


def test_every_requirement_is_pinned():
    lock = (ROOT / "requirements.txt").read_text().lower()
    wanted = [line for line in (ROOT / "requirements.in").read_text().splitlines() if line and not line.startswith("#")]
    for name in wanted:
        assert f"\n{name.split('==')[0].lower()}==" in f"\n{lock}"
