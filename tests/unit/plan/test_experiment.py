"""What a config asks for."""

from pathlib import Path

import pytest

from camembert.plan.chain import parse_chain
from camembert.plan.config import load_yaml
from camembert.plan.experiment import ClassifierId, EncoderId, encoder_of, experiment_of


@pytest.fixture
def small():
    """Two runs of two fine-tunings and one of each kind of chain."""
    config = load_yaml(Path(__file__).parents[3] / "config.yaml")
    return config | {
        "chains": ["6-4-2", "6-2", "6-2x0", "6-2x3", "0-2", "0-2x2"],
        "compute_matched": ["6-4-2"],
        "recipes": ["toplayer"],
        "runs": [1, 2],
        "scratch_runs": 2,
        "reference_runs": None,
        "finetunings": 2,
        "tokenizer": {"vocab_size": 6000, "lowercase": False},
        "teacher": config["teacher"]
        | {
            "num_hidden_layers": 6,
            "hidden_size": 128,
            "num_attention_heads": 4,
            "intermediate_size": 512,
            "max_length": 128,
        },
        "text": config["text"] | {"sequence_length": 64},
        "pretraining": config["pretraining"] | {"mlm_probability": 0.3},
    }


def test_chains_are_completed_and_ordered_by_method(small):
    experiment = experiment_of(small)
    assert [experiment.label(chain) for chain in experiment.chains] == [
        "Teacher (6 layers)",
        "Random weights 0-2",
        "Pre-trained from scratch 0-2x2",
        "From scratch, equal compute 0-2x3.01",
        "Copied layers 6-2x0",
        "Direct 6-2",
        "Direct, longer 6-2x3",
        "Direct, equal compute 6-2x2.33",
        "Teacher assistant 6-4",
        "Cascade 6-4-2",
    ]


def test_assistants_run_from_deep_to_shallow_and_are_shared(small):
    experiment = experiment_of(small | {"chains": ["6-5-3-2", "6-5-4-1"], "compute_matched": []})
    assert [str(chain) for chain in experiment.chains] == ["6", "6-5", "6-5-4", "6-5-3", "6-5-3-2", "6-5-4-1"]


def test_a_cascade_that_is_matched_is_also_built(small):
    experiment = experiment_of(small | {"chains": ["6"]})
    assert [str(chain) for chain in experiment.chains] == ["6", "0-2x3.01", "6-2x2.33", "6-4", "6-4-2"]


def test_an_experiment_without_a_teacher_builds_none(small):
    experiment = experiment_of(small | {"chains": ["0-2", "0-2x2"], "compute_matched": []})
    assert [str(chain) for chain in experiment.chains] == ["0-2", "0-2x2"]


def test_each_encoder_is_built_once_for_each_recipe_and_run_it_depends_on(small):
    assert [encoder.path for encoder in experiment_of(small).encoders] == [
        "teacher/6/r0",
        "untrained/0-2/r1",
        "untrained/0-2/r2",
        "mlm/0-2x2/r1",
        "mlm/0-2x2/r2",
        "mlm/0-2x3.01/r1",
        "mlm/0-2x3.01/r2",
        "untrained/6-2x0/r0",
        "toplayer/6-2/r1",
        "toplayer/6-2/r2",
        "toplayer/6-2x3/r1",
        "toplayer/6-2x3/r2",
        "toplayer/6-2x2.33/r1",
        "toplayer/6-2x2.33/r2",
        "toplayer/6-4/r1",
        "toplayer/6-4/r2",
        "toplayer/6-4-2/r1",
        "toplayer/6-4-2/r2",
    ]


def test_two_recipes_share_what_is_not_distilled(small):
    experiment = experiment_of(small | {"chains": ["6-2", "6-2x0"], "compute_matched": [], "recipes": ["one", "two"]})
    paths = {encoder.path for encoder in experiment.encoders}
    assert paths == {
        "teacher/6/r0",
        "untrained/6-2x0/r0",
        *(f"{recipe}/6-2/r{run}" for recipe in ("one", "two") for run in (1, 2)),
    }


def test_fewer_runs_may_start_from_random_weights(small):
    paths = [encoder.path for encoder in experiment_of(small | {"scratch_runs": 1}).encoders]
    assert {path for path in paths if path.endswith("/r2")} == {
        f"toplayer/{chain}/r2" for chain in ("6-2", "6-2x3", "6-2x2.33", "6-4", "6-4-2")
    }


def test_references_may_be_finetuned_in_fewer_runs(small):
    classifiers = experiment_of(small | {"reference_runs": 1, "finetunings": 1}).classifiers
    second = {classifier.path for classifier in classifiers if classifier.run == 2}
    assert second == {
        f"{model}/r2-f1"
        for model in """untrained/0-2 mlm/0-2x2 mlm/0-2x3.01
        toplayer/6-2 toplayer/6-2x3 toplayer/6-2x2.33 toplayer/6-4-2""".split()
    }


def test_every_run_finetunes_each_of_its_encoders_as_often_as_asked(small):
    experiment = experiment_of(small)
    paths = [classifier.path for classifier in experiment.classifiers]
    assert len(paths) == len(set(paths)) == 2 * 2 * len(experiment.chains)
    assert [path for path in paths if path.startswith("toplayer/6-4-2/")] == [
        f"toplayer/6-4-2/r{run}-f{finetuning}" for run in (1, 2) for finetuning in (1, 2)
    ]
    assert {"teacher/6/r1-f1", "teacher/6/r2-f2", "untrained/6-2x0/r2-f1"} <= set(paths)


@pytest.mark.parametrize(
    ("recipe", "chain", "run", "lineage"),
    [
        ("toplayer", "6-4-2", 1, ["toplayer/6-4/r1", "teacher/6/r0"]),
        ("toplayer", "6-4x0-2", 1, ["untrained/6-4x0/r0", "teacher/6/r0"]),
        ("untrained", "6-2x0", 0, ["teacher/6/r0"]),
        ("toplayer", "0-4x3-2", 2, ["mlm/0-4x3/r2"]),
        ("mlm", "0-4x3-2x0", 2, ["mlm/0-4x3/r2"]),
        ("untrained", "0-4-2x0", 2, ["untrained/0-4/r2"]),
        ("teacher", "6", 0, []),
    ],
)
def test_the_parents_of_an_encoder_lead_to_its_root(recipe, chain, run, lineage):
    encoder = encoder_of(parse_chain(chain), "toplayer", run)
    assert encoder == EncoderId(recipe, parse_chain(chain), run)
    found = []
    while (encoder := encoder.parent) is not None:
        found.append(encoder.path)
    assert found == lineage


def test_every_parent_of_an_encoder_is_built_too(small):
    encoders = experiment_of(small).encoders
    assert all(encoder.parent is None or encoder.parent in encoders for encoder in encoders)


@pytest.mark.parametrize(
    ("recipe", "chain", "which", "expected"),
    [
        ("toplayer", "6-4-2", "root", "teacher/6/r2-f3"),
        ("toplayer", "6-4-2", "parent", "toplayer/6-4/r2-f3"),
        ("toplayer", "6-4x0-2", "parent", "untrained/6-4x0/r2-f3"),
        ("untrained", "6-2x0", "parent", "teacher/6/r2-f3"),
        ("toplayer", "6-4-2", "none", None),
        ("teacher", "6", "root", None),
        ("mlm", "0-4x3", "root", None),
    ],
)
def test_a_student_learns_from_a_classifier_of_its_run(recipe, chain, which, expected):
    classifier = ClassifierId(encoder_of(parse_chain(chain), recipe, 2), 2, 3)
    found = classifier.teacher(which)
    assert (found and found.path) == expected
