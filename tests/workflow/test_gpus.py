"""Snakemake runs jobs on a machine with two GPUs, for which names stand in."""

import json
import os
import subprocess
import sys
from itertools import combinations

from .conftest import ROOT

SNAKEFILE = """
rule all:
    input:
        expand("{number}.json", number=range(4)),


rule job:
    output:
        "{number}.json",
    resources:
        gpu=1,
    script:
        "job.py"
"""
JOB = """
import json, os, signal, time
from pathlib import Path
from camembert.runtime.gpus import inherited_gpus, take_gpus

began = time.time()
[gpu] = take_gpus(snakemake.resources.gpu, inherited_gpus())
if snakemake.wildcards.number == "1" and not Path("killed").exists():
    Path("killed").touch()
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(0.5)
Path(snakemake.output[0]).write_text(json.dumps({"gpu": gpu, "began": began, "ended": time.time()}))
"""


def test_four_jobs_on_two_gpus_never_meet_on_one_though_one_of_them_is_killed(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "job.py").write_text(JOB)
    command = [sys.executable, "-m", "snakemake", "--cores", "4", "--resources", "gpu=2", "--retries", "1"]
    given = {"CUDA_VISIBLE_DEVICES": "4,5", "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT / "scripts")}
    run = subprocess.run(command, cwd=tmp_path, env=os.environ | given, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "killed").exists()
    jobs = [json.loads((tmp_path / f"{number}.json").read_text()) for number in range(4)]
    assert {job["gpu"] for job in jobs} == {"4", "5"}
    for one, other in combinations(jobs, 2):
        apart = one["ended"] <= other["began"] or other["ended"] <= one["began"]
        assert apart or one["gpu"] != other["gpu"]
