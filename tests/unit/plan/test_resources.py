"""What jobs reserve must be of use to them."""

from pathlib import Path

import pytest

from camembert.plan.config import ConfigError, check_config, load_yaml

STAGES = ("pretraining", "distillation", "finetuning", "evaluation", "efficiency")


def reserving(**gpus):
    """The config, with GPUs reserved by stage, and threads enough for them."""
    config = load_yaml(Path(__file__).parents[3] / "config.yaml")
    for stage, count in gpus.items():
        config["resources"][stage]["gpu"] = count
        config["threads"][stage] = max(1, count)
    return config


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_gpu_for_every_job_is_accepted(device):
    check_config(reserving(**dict.fromkeys(STAGES, 1)) | {"device": device})


@pytest.mark.parametrize("stage", STAGES)
def test_a_device_and_what_is_reserved_must_agree(stage):
    with pytest.raises(ConfigError, match=rf"device is cpu, but resources\.{stage}\.gpu is 1, and nothing would comp"):
        check_config(reserving(**{stage: 1}) | {"device": "cpu"})
    with pytest.raises(ConfigError, match=rf"device is cuda, but resources\.{stage}\.gpu is 0; reserve a GPU there"):
        check_config(reserving(**(dict.fromkeys(STAGES, 1) | {stage: 0})) | {"device": "cuda"})


def test_of_a_stage_without_jobs_nothing_is_asked():
    """A given teacher that is compared with its copied layers: nothing is pre-trained or distilled."""
    config = reserving(finetuning=1, evaluation=1, efficiency=1) | {
        "device": "cuda",
        "compute_matched": [],
        "scratch_runs": 1,
    }
    config["teacher"]["source"] = "hub"
    check_config(config | {"chains": ["6", "6-3x0"]})
    with pytest.raises(ConfigError, match=r"resources\.pretraining\.gpu is 0"):
        check_config(config | {"chains": ["6", "0-3x1"]})


@pytest.mark.parametrize(
    ("stage", "section"), [("pretraining", "text"), ("distillation", "text"), ("finetuning", "finetuning")]
)
def test_every_gpu_has_a_row_of_the_batch_and_a_thread(stage, section):
    config = reserving(**{stage: 4})
    config[section]["batch_size"] = 4
    check_config(config)
    config["threads"][stage] = 3
    with pytest.raises(ConfigError, match=rf"resources\.{stage}\.gpu is 4, expected at most threads\.{stage} \(3\)"):
        check_config(config)
    config = reserving(**{stage: 5})
    config[section]["batch_size"] = 4
    with pytest.raises(
        ConfigError, match=rf"resources\.{stage}\.gpu is 5, expected at most {section}\.batch_size \(4\)"
    ):
        check_config(config)
