"""What jobs reserve must be of use to them."""

from pathlib import Path

import pytest

from camembert.plan.config import load_yaml
from camembert.plan.experiment import experiment_of, stages_of
from camembert.plan.resources import ResourceError, check_resources

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config():
    return load_yaml(ROOT / "config.yaml")


def with_gpus(config, **gpus):
    """The config, with GPUs reserved by stage, and threads enough for them."""
    for stage, count in gpus.items():
        config["resources"][stage]["gpu"] = count
        config["threads"][stage] = max(1, count)
    return config


def mistake(config):
    with pytest.raises(ResourceError) as error:
        check_resources(config, ALL)
    return str(error.value)


ALL = ("pretraining", "distillation", "finetuning", "evaluation", "efficiency")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_gpu_for_every_job_is_accepted(config, device):
    check_resources(with_gpus(config, **dict.fromkeys(ALL, 1)) | {"device": device}, ALL)


@pytest.mark.parametrize("stage", ALL)
def test_a_device_and_what_is_reserved_must_agree(config, stage):
    reserved = f"device is cpu, but resources.{stage}.gpu is 1, and nothing would compute on what it reserves"
    assert reserved in mistake(with_gpus(config, **{stage: 1}) | {"device": "cpu"})
    missing = with_gpus(config, **(dict.fromkeys(ALL, 1) | {stage: 0})) | {"device": "cuda"}
    assert f"device is cuda, but resources.{stage}.gpu is 0; reserve a GPU there" in mistake(missing)


def test_of_a_stage_without_jobs_nothing_is_asked(config):
    """A given teacher that is compared with its copied layers: nothing is pre-trained or distilled."""
    config["teacher"]["source"], config["chains"], config["compute_matched"] = "hub", ["6", "6-3x0"], []
    stages = stages_of(config, experiment_of(config))
    assert stages == ["finetuning", "evaluation", "efficiency"]
    check_resources(with_gpus(config, **dict.fromkeys(stages, 1)) | {"device": "cuda"}, stages)
    config["chains"] = ["6", "0-3x1"]
    assert "pretraining" in stages_of(config, experiment_of(config))


@pytest.mark.parametrize("stage", ["evaluation", "efficiency"])
def test_a_job_that_computes_on_one_gpu_reserves_no_more(config, stage):
    assert f"resources.{stage}.gpu is 2, but its jobs compute on one GPU" in mistake(with_gpus(config, **{stage: 2}))


@pytest.mark.parametrize(
    ("stage", "key"),
    [("pretraining", "text.batch"), ("distillation", "text.batch"), ("finetuning", "finetuning.batch")],
)
def test_every_gpu_has_a_row_of_the_batch(config, stage, key):
    section, name = key.split(".")
    config[section][name] = 4
    check_resources(with_gpus(config, **{stage: 4}), ALL)
    expected = f"{key} is 4, expected at least resources.{stage}.gpu (5), or some GPUs have no rows"
    assert expected in mistake(with_gpus(config, **{stage: 5}))


@pytest.mark.parametrize("stage", ["pretraining", "distillation", "finetuning"])
def test_every_gpu_has_a_thread_of_those_that_its_job_reserves(config, stage):
    check_resources(with_gpus(config, **{stage: 4}), ALL)
    config["threads"][stage] = 3
    assert f"threads.{stage} is 3, expected at least resources.{stage}.gpu (4)" in mistake(config)
