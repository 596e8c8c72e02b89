"""The workflow on a real SLURM, through profiles/slurm, with training jobs that SLURM interrupts.

One run is shared by all tests. Two students train at once; both are held (SIGSTOP) in mid-training, so that nothing
depends on the machine's speed. Then one is requeued, as a preempted job is, and the other's time runs out.
"""

import hashlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from camembert.core.files import read_json

ROOT = Path(__file__).parents[2]
REQUEUED, OUT_OF_TIME = "3-1", "3-2"
NO_GPU = ("N/A", "gres:gpu:standin:0")
PATIENCE = 240  # seconds until whatever is waited for must have happened


def snakemake(directory, *arguments):
    """The command that runs the experiment of tests/config/slurm.yaml in a directory."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", directory]
    return [*command, "--configfile", ROOT / "tests" / "config" / "slurm.yaml", *arguments]


def encoder(directory, chain):
    return directory / "results" / "slurm" / "encoders" / "toplayer" / chain / "r1"


def weights(directory, chain):
    return hashlib.sha256((encoder(directory, chain) / "model.safetensors").read_bytes()).hexdigest()


def wait_for(what, condition):
    """The first true value of a condition."""
    until = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.1)
    return value


def slurm(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def jobs():
    """Every job that SLURM remembers: what it is (rule and wildcards), number, partition, GPUs."""
    columns = {"what": "Comment", "number": "JobID", "partition": "Partition", "gpus": "tres-per-job"}
    table = ",".join(f"{column}:80" for column in columns.values())
    rows = slurm("squeue", "--noheader", "--states=all", f"--Format={table}").splitlines()
    return [dict(zip(columns, row.split(), strict=True)) for row in rows]


class Training:
    """The first job that trains a student, held in mid-training."""

    def __init__(self, directory, chain):
        self.checkpoints = directory / "results" / "slurm" / "checkpoints" / "encoders" / "toplayer" / chain / "r1"
        self.name = f"rule_distill_wildcards_toplayer_{chain}_1"

    def hold(self):
        """Stops the process once there is a checkpoint; True then."""
        if not list(self.checkpoints.glob("step-*/manifest.json")):
            return False
        [self.number] = [job["number"] for job in jobs() if job["what"] == self.name]
        [self.process] = [process for process in psutil.process_iter() if self.is_training(process)]
        self.process.suspend()
        self.environment = self.process.environ()
        self.step = self.last_step()
        return True

    def is_training(self, process):
        try:
            return process.cmdline()[-1].endswith(".distill.py") and process.environ()["SLURM_JOB_ID"] == self.number
        except (psutil.Error, IndexError, KeyError):
            return False

    def last_step(self):
        return max(read_json(path)["step"] for path in self.checkpoints.glob("step-*/manifest.json"))

    def terminating(self):
        """Whether SIGTERM has reached the process."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except FileNotFoundError:
            return True
        return any(int(mask, 16) >> signal.SIGTERM - 1 & 1 for mask in re.findall(r"(?:Sig|Shd)Pnd:\s*(\w+)", status))


@dataclass
class Run:
    """What is left of the shared run."""

    directory: Path
    undisturbed: Path
    output: str
    trainings: dict
    jobs: list


def edited_profile(directory):
    """The profile with what a user edits, and quick polling of a SLURM without accounting; returns its folder."""
    shutil.copytree(ROOT / "profiles" / "slurm", directory / "profile")
    profile = directory / "profile" / "config.yaml"
    text = profile.read_text().replace("your_account", "anyone").replace("a100", "standin")
    text = re.sub(r"^# (?=set-resources:|  \w)", "", text, flags=re.MULTILINE)
    profile.write_text(text + "slurm-status-command: squeue\nslurm-init-seconds-before-status-checks: 2\n")
    return profile.parent


@pytest.fixture(scope="module")
def run(cluster, tmp_path_factory):
    directory, undisturbed = tmp_path_factory.mktemp("slurm-run"), tmp_path_factory.mktemp("undisturbed")

    profile = edited_profile(directory)
    reference = subprocess.Popen(
        snakemake(undisturbed, "--cores", "1", "--until", "distill"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    log = directory / "snakemake.log"
    with open(log, "w") as file:
        head = subprocess.Popen(snakemake(directory, "--workflow-profile", profile), stdout=file, stderr=file)
    try:
        trainings = {chain: Training(directory, chain) for chain in (REQUEUED, OUT_OF_TIME)}
        waiting = list(trainings.values())

        def all_held():
            assert head.poll() is None, log.read_text()
            waiting[:] = [training for training in waiting if not training.hold()]
            return not waiting

        wait_for("two trainings at once", all_held)
        slurm("scontrol", "requeue", trainings[REQUEUED].number)
        slurm("scontrol", "update", f"JobId={trainings[OUT_OF_TIME].number}", "TimeLimit=2")
        wait_for("SIGTERM before the end of the time", trainings[OUT_OF_TIME].terminating)
        with suppress(psutil.NoSuchProcess):
            trainings[OUT_OF_TIME].process.resume()
        head.wait(2 * PATIENCE)
        assert head.returncode == 0, log.read_text()
        output, _ = reference.communicate(timeout=PATIENCE)
        assert reference.returncode == 0, output.decode()
    finally:
        for process in (head, reference):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)
    return Run(directory, undisturbed, log.read_text(), trainings, jobs())


def test_a_run_on_slurm_ends_in_tables_and_figures(run):
    results = run.directory / "results" / "slurm"
    assert (results / "tables" / "accuracy_by_language.md").stat().st_size
    assert (results / "figures" / "accuracy_by_language.png").stat().st_size
    assert "| Teacher (3 layers)" in run.output


def test_local_rules_stay_on_the_head_node_and_all_others_go_to_slurm(run):
    submitted = {re.match(r"rule_([a-z_]+?)(_wildcards_|$)", job["what"])[1] for job in run.jobs}
    on_models = {"pretrain", "distill", "finetune", "evaluate", "retrieve", "retrieve_baseline", "measure_efficiency"}
    assert submitted == on_models | {"train_tokenizer", "tokenize_text"}


def test_two_jobs_at_once_see_different_gpus(run):
    seen = {training.environment["CUDA_VISIBLE_DEVICES"] for training in run.trainings.values()}
    assert seen == {"0", "1"}


def test_only_gpu_jobs_go_to_the_gpu_partition_and_ask_for_gpus(run):
    for job in run.jobs:
        trains_on_gpu = job["what"].startswith("rule_distill_")
        assert job["partition"] == ("gpu" if trains_on_gpu else "cpu"), job
        assert (job["gpus"] == "gres:gpu:standin:1") if trains_on_gpu else (job["gpus"] in NO_GPU), job


@pytest.mark.parametrize("chain", [REQUEUED, OUT_OF_TIME])
def test_an_interrupted_training_continues_from_a_checkpoint_made_on_sigterm(run, chain):
    log = (run.directory / "results" / "slurm" / "logs" / "encoders" / "toplayer" / chain / "r1.log").read_text()
    continued = re.search(r"continuing from the checkpoint of step (\d+)", log)
    assert continued, log
    assert int(continued[1]) > run.trainings[chain].step


def test_slurm_requeues_and_snakemake_resubmits(run):
    submitted = Counter(job["what"] for job in run.jobs)
    assert submitted[run.trainings[REQUEUED].name] == 1
    assert submitted[run.trainings[OUT_OF_TIME].name] == 2
    assert "Restarts=1" in slurm("scontrol", "show", "job", run.trainings[REQUEUED].number)


@pytest.mark.parametrize("chain", [REQUEUED, OUT_OF_TIME])
def test_an_interrupted_training_ends_with_the_weights_of_an_undisturbed_one(run, chain):
    assert weights(run.directory, chain) == weights(run.undisturbed, chain)


def test_snakemake_may_itself_be_a_job_of_slurm(cluster, tmp_path):
    """Submitted with --mem-per-cpu, which contradicts the --mem of the jobs that it submits in turn."""
    options = ("--until", "train_tokenizer", "--workflow-profile", edited_profile(tmp_path))
    command = shlex.join(map(str, snakemake(tmp_path, *options)))
    submit = ["sbatch", "--wait", "--partition=cpu", "--mem-per-cpu=200M", f"--output={tmp_path}/head.log"]
    process = subprocess.run([*submit, "--wrap", command], capture_output=True, text=True, timeout=2 * PATIENCE)
    assert process.returncode == 0, process.stderr + (tmp_path / "head.log").read_text()
    assert (tmp_path / "results" / "slurm" / "data" / "tokenizer" / "tokenizer.json").is_file()
    assert any(job["what"].startswith("rule_train_tokenizer") for job in jobs()), "it was submitted from within a job"
