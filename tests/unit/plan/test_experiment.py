"""What a config asks for: models, and which of them are compared."""

import pytest

from camembert.plan.chain import Method, parse_chain
from camembert.plan.experiment import (
    ModelId,
    identify_encoder,
    list_masking,
    list_stages,
    plan_comparisons,
    plan_experiment,
)


@pytest.fixture
def small(config):
    """Two runs of two fine-tunings and one of each kind of chain."""
    config["pretraining"]["mlm_probability"] = 0.3
    config["text"]["sequence_length"] = 64
    return config | {
        "chains": ["6-4-2", "6-2", "6-2x0", "6-2x3", "0-2", "0-2x2"],
        "compute_matched": ["6-4-2"],
        "runs": [1, 2],
        "scratch_runs": 2,
        "reference_runs": None,
        "finetunings": 2,
    }


def test_chains_are_completed_ordered_by_method_and_named_by_it(small):
    experiment = plan_experiment(small)
    assert [(experiment.method(chain), experiment.label(chain)) for chain in experiment.chains] == [
        (Method.TEACHER, "Teacher (6 layers)"),
        (Method.RANDOM, "Random weights 0-2"),
        (Method.SCRATCH, "Pre-trained from scratch 0-2x2"),
        (Method.SCRATCH, "From scratch, equal compute 0-2x3.01"),
        (Method.COPIED, "Copied layers 6-2x0"),
        (Method.DIRECT, "Direct 6-2"),
        (Method.DIRECT_LONGER, "Direct, longer 6-2x3"),
        (Method.DIRECT_LONGER, "Direct, equal compute 6-2x2.33"),
        (Method.ASSISTANT, "Teacher assistant 6-4"),
        (Method.CASCADE, "Cascade 6-4-2"),
    ]
    (less,) = [chain for chain in plan_experiment(small | {"chains": ["6-2x0.5"]}).chains if chain.budget == 0.5]
    assert experiment.label(less) == "Direct 6-2x0.5"


@pytest.mark.parametrize(
    ("chains", "matched", "built"),
    [
        (["6-5-3-2", "6-5-4-1"], [], ["6", "6-5", "6-5-4", "6-5-3", "6-5-3-2", "6-5-4-1"]),  # from deep to shallow
        (["6"], ["6-4-2"], ["6", "0-2x3.01", "6-2x2.33", "6-4", "6-4-2"]),  # what is matched is built
        (["0-2", "0-2x2"], [], ["0-2", "0-2x2"]),  # without a teacher
        ([6, "6-2"], [], ["6", "6-2"]),  # without quotes
    ],
)
def test_what_chains_need_is_built_once(small, chains, matched, built):
    experiment = plan_experiment(small | {"chains": chains, "compute_matched": matched})
    assert [str(chain) for chain in experiment.chains] == built


def test_each_encoder_is_built_once_for_each_recipe_and_run_it_depends_on(small):
    assert [encoder.path for encoder in plan_experiment(small).encoders] == [
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
    experiment = plan_experiment(small | {"chains": ["6-2", "6-2x0"], "compute_matched": [], "recipes": ["one", "two"]})
    paths = {encoder.path for encoder in experiment.encoders}
    assert paths == {
        "teacher/6/r0",
        "untrained/6-2x0/r0",
        *(f"{recipe}/6-2/r{run}" for recipe in ("one", "two") for run in (1, 2)),
    }


def test_fewer_runs_may_start_from_random_weights(small):
    paths = [encoder.path for encoder in plan_experiment(small | {"scratch_runs": 1}).encoders]
    assert {path for path in paths if path.endswith("/r2")} == {
        f"toplayer/{chain}/r2" for chain in ("6-2", "6-2x3", "6-2x2.33", "6-4", "6-4-2")
    }


def test_references_may_be_finetuned_in_fewer_runs(small):
    classifiers = plan_experiment(small | {"reference_runs": 1, "finetunings": 1}).classifiers
    second = {classifier.path for classifier in classifiers if classifier.run == 2}
    assert second == {
        f"{model}/r2-f1"
        for model in """untrained/0-2 mlm/0-2x2 mlm/0-2x3.01
        toplayer/6-2 toplayer/6-2x3 toplayer/6-2x2.33 toplayer/6-4-2""".split()
    }


def test_every_run_finetunes_each_of_its_encoders_as_often_as_asked(small):
    experiment = plan_experiment(small)
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
    encoder = identify_encoder(parse_chain(chain), "toplayer", run)
    assert encoder == encoder.encoder == ModelId(recipe, parse_chain(chain), run)
    found = []
    while (encoder := encoder.parent) is not None:
        found.append(encoder.path)
    assert found == lineage


def test_every_parent_of_an_encoder_is_built_too(small):
    encoders = plan_experiment(small).encoders
    assert all(encoder.parent is None or encoder.parent in encoders for encoder in encoders)


def test_a_model_is_read_from_what_its_path_has(small):
    experiment = plan_experiment(small)
    for model in [*experiment.encoders, *experiment.classifiers]:
        recipe, chain, name = model.path.split("/")
        run, _, finetuning = name.removeprefix("r").partition("-f")
        wildcards = {"recipe": recipe, "chain": chain, "run": run} | ({"finetuning": finetuning} if finetuning else {})
        assert ModelId.read(wildcards) == model
        assert ModelId.read(wildcards).encoder in experiment.encoders


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
    found = identify_encoder(parse_chain(chain), recipe, 2).classifier(2, 3).teacher(which)
    assert (found and found.path) == expected


@pytest.mark.parametrize(("chains", "stages"), [(["3", "3-1x0"], {"distillation"}), (["3", "0-1"], {"pretraining"})])
def test_copied_and_random_encoders_are_jobs_of_their_stage_too(config, chains, stages):
    own = config | {"chains": chains, "compute_matched": [], "scratch_runs": 1}
    own["teacher"] = config["teacher"] | {"source": "folder", "num_hidden_layers": 3}
    assert {"pretraining", "distillation"}.intersection(list_stages(own, plan_experiment(own))) == stages


def test_what_masks_tokens_is_named(config):
    config["scratch_runs"] = 1
    assert list_masking(config, plan_experiment(config)) == ["chain 0-3x2.41"]
    config |= {"recipes": ["toplayer", "logits"], "compute_matched": [], "chains": ["0-3", "6-3"]}
    assert list_masking(config, plan_experiment(config)) == ["recipe logits (loss logits)"]


# --- comparisons --------------------------------------------------------------------------------------------------


@pytest.fixture
def compared(config):
    """Finds the pairs that a config with some keys changed compares: contrast, first, second."""
    config |= {"chains": ["6", "6-3x0", "6-3", "6-4-3"], "compute_matched": ["6-4-3"], "scratch_runs": 1}

    def find(planned, pairs=(), **changes):
        changed = config | {"comparisons": {"planned": planned, "pairs": pairs}} | changes
        return [
            (str(pair.contrast), "/".join(pair.first), "/".join(pair.second))
            for pair in plan_comparisons(changed, plan_experiment(changed))
        ]

    return find


ALL = ["direct_equal_compute", "direct", "scratch_equal_compute", "copied_layers", "teacher"]


def test_every_contrast_finds_its_pairs(compared):
    pairs = compared(ALL)
    assert pairs[:3] == [
        ("direct_equal_compute", "toplayer/6-4-3", "toplayer/6-3x2.07"),
        ("direct", "toplayer/6-4-3", "toplayer/6-3"),
        ("scratch_equal_compute", "toplayer/6-4-3", "mlm/0-3x2.41"),
    ]
    copied = [first for contrast, first, second in pairs if (contrast, second) == ("copied_layers", "untrained/6-3x0")]
    assert copied == ["toplayer/6-3", "toplayer/6-3x2.07", "toplayer/6-4-3"]  # not 6-4: four layers were never copied
    teacher = [first for contrast, first, second in pairs if (contrast, second) == ("teacher", "teacher/6")]
    assert teacher == ["toplayer/6-3", "toplayer/6-3x2.07", "toplayer/6-4", "toplayer/6-4-3"]
    assert len(pairs) == 3 + 3 + 4


@pytest.mark.parametrize(
    ("planned", "change", "pairs"),
    [
        (
            ALL,  # what is not built is not compared
            {"chains": ["6", "6-4-3"], "compute_matched": []},
            [("teacher", "toplayer/6-4", "teacher/6"), ("teacher", "toplayer/6-4-3", "teacher/6")],
        ),
        (
            ["direct"],  # nor what is not planned; every recipe has pairs of its own
            {"recipes": ["toplayer", "minilm"]},
            [("direct", "toplayer/6-4-3", "toplayer/6-3"), ("direct", "minilm/6-4-3", "minilm/6-3")],
        ),
        (
            ["direct"],  # pairs of one's own come last
            {"pairs": [["6-4-3", "6-4"], ["6-3x0", 6]]},
            [
                ("direct", "toplayer/6-4-3", "toplayer/6-3"),
                ("other", "toplayer/6-4-3", "toplayer/6-4"),
                ("other", "untrained/6-3x0", "teacher/6"),
            ],
        ),
    ],
)
def test_what_is_built_and_planned_is_compared(compared, planned, change, pairs):
    assert compared(planned, **change) == pairs
