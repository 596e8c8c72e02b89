"""One hop: what it trains, what it leaves alone, what it is asked to match."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from students import RECIPES as OF_LOSSES
from students import bottom_layers
from torch.utils._python_dispatch import TorchDispatchMode

from camembert.models.encoder import (
    init_mlm_head,
    init_student,
    load_encoder,
    load_mlm_head,
    run_encoder,
)
from camembert.plan.config import check_config, load_yaml
from camembert.plan.losses import COPY, LOSSES, Loss, Part, Recipe, match_layers
from camembert.tokens import corpora
from camembert.tokens.corpora import Shard
from camembert.training import distillation, packed_text
from camembert.training.distillation import DistillationError, distillation_objective, freeze
from camembert.training.loop import Schedule, TrainingResult
from camembert.training.packed_text import BATCHES, IGNORED, packed_batches
from camembert.training.pretraining import MaskedLanguageModel, pretraining_objective

ROOT = Path(__file__).parents[3]

GOLDEN = {
    "hidden": [1.9683766, 1.1266353, 0.70541638, 0.52257121, 0.50970489],
    "attention": [0.031406078, 0.020793099, 0.017149987, 0.022142325, 0.020586213],
}


LOGITS = OF_LOSSES["logits"]
SENTENCE = Recipe("toplayer", {"hidden": 1.0, "attention": 1.0, "sentence": 1.0})
RECIPES = [*OF_LOSSES.values(), SENTENCE]
TOP = "encoder.layer.1."
ABOVE_RELATIONS = (f"{TOP}attention.output.", f"{TOP}intermediate.", f"{TOP}output.")
QUERY_AND_KEY = (f"{TOP}attention.self.query.", f"{TOP}attention.self.key.")
VALUE = (f"{TOP}attention.self.value.",)


def loss_of(recipe: Recipe) -> str:
    return recipe.loss if recipe is not SENTENCE else "sentence"


@pytest.fixture
def batch(batches):
    return packed_batches(batches, None)(0)


@pytest.fixture
def head(teacher_folder):
    return load_mlm_head(teacher_folder)


def weighted(hidden: float, attention: float) -> Recipe:
    return Recipe("toplayer", {"hidden": hidden, "attention": attention})


# --- which tensors train --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "stated"),
    [
        *((recipe, ABOVE_RELATIONS if loss == "minilm" else ()) for loss, recipe in OF_LOSSES.items()),
        (SENTENCE, ()),
        (Recipe("toplayer", {"hidden": 0.0, "attention": 0.0, "sentence": 1.0}), ()),
        (weighted(1.0, 0.0), ()),
        (weighted(0.0, 1.0), ABOVE_RELATIONS + VALUE),
        (Recipe("minilm", {"attention": 0.0, "value": 1.0}), ABOVE_RELATIONS + QUERY_AND_KEY),
        (Recipe("minilm", {"attention": 1.0, "value": 0.0}), ABOVE_RELATIONS + VALUE),
        (Recipe("logits", {"soft_targets": 0.0, "cosine": 1.0}, mlm_probability=0.3), ()),
    ],
)
@pytest.mark.parametrize("freeze_embeddings", [True, False])
@pytest.mark.parametrize("initialisation", ["bottom", "strided"])
def test_a_recipe_trains_all_tensors_but_those_it_states(
    teacher, head, batches, recipe, stated, freeze_embeddings, initialisation
):
    """Whatever trains gets a gradient; whatever does not would get none, or one by rounding alone."""
    recipe = replace(recipe, freeze_embeddings=freeze_embeddings, initialisation=initialisation)
    student = init_student(teacher, recipe.layers_to_copy(3, 2))
    names = {name for name, _ in student.named_parameters()}
    untrained = {name for name in names if name.startswith(("pooler.", *stated)) or name.endswith("key.bias")}
    untrained |= {name for name in names if freeze_embeddings and name.startswith("embeddings.")}
    freeze(student, recipe)
    objective = distillation_objective(recipe, student, teacher, head)
    assert {name for name, p in student.named_parameters() if not p.requires_grad} == untrained

    objective(packed_batches(batches, recipe.mlm_probability)(0))["loss"].backward()
    norms = {name: p.grad.norm().item() for name, p in student.named_parameters() if p.grad is not None}
    assert norms.keys() == names - untrained
    assert min(norms.values()) > 1e-6

    student.zero_grad()
    reachable = [name for name in untrained if not name.startswith(("pooler.", "embeddings."))]
    for name in reachable:
        student.get_parameter(name).requires_grad_(True)
    objective(packed_batches(batches, recipe.mlm_probability)(0))["loss"].backward()
    by_rounding = [p.grad.norm().item() for name in reachable if (p := student.get_parameter(name)).grad is not None]
    assert max(by_rounding, default=0.0) < 1e-6


@pytest.mark.parametrize("recipe", RECIPES, ids=loss_of)
def test_the_teacher_gets_no_gradient_and_no_dropout(teacher, head, batches, recipe):
    teacher.train()
    student = bottom_layers(teacher, 2).eval()
    objective, batch = (
        distillation_objective(recipe, student, teacher, head),
        packed_batches(batches, recipe.mlm_probability)(0),
    )
    assert objective(batch)["loss"].item() == objective(batch)["loss"].item()
    objective(batch)["loss"].backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_a_recipe_that_predicts_words_needs_a_head_and_masked_tokens(teacher, head):
    with pytest.raises(DistillationError, match="predicts masked tokens, but mlm_probability of its recipe is None"):
        distillation_objective(replace(LOGITS, mlm_probability=None), bottom_layers(teacher, 2), teacher, head)
    with pytest.raises(DistillationError, match="needs the teacher's masked-language-model head, which its folder lac"):
        distillation_objective(LOGITS, bottom_layers(teacher, 2), teacher, None)


def test_a_recipe_without_weights_can_only_copy(teacher):
    with pytest.raises(DistillationError, match="has no weights, expected those of hidden and attention, the parts of"):
        distillation_objective(COPY, bottom_layers(teacher, 2), teacher)


# --- the objective --------------------------------------------------------------------------------------------


def test_the_loss_is_the_weighted_sum_of_its_parts(teacher, batch):
    parts = distillation_objective(weighted(2.0, 30.0), bottom_layers(teacher, 1), teacher)(batch)
    assert parts["hidden"] > 0
    assert parts["attention"] > 0
    assert parts["loss"].item() == pytest.approx(2 * parts["hidden"].item() + 30 * parts["attention"].item())


def test_a_part_of_weight_0_is_not_computed(teacher, batch, monkeypatch):
    def refuse(*_):
        raise AssertionError("attention was compared")

    monkeypatch.setattr("camembert.models.encoder.compute_relation", refuse)
    parts = distillation_objective(weighted(1.0, 0.0), bottom_layers(teacher, 2), teacher)(batch)
    assert parts.keys() == {"loss", "hidden"}
    with pytest.raises(AssertionError, match="attention was compared"):
        distillation_objective(weighted(1.0, 1.0), bottom_layers(teacher, 2), teacher)(batch)


def test_a_new_recipe_is_a_loss_and_an_entry_of_the_config(distilling, tmp_path, monkeypatch):
    """As CONTRIBUTING says: a part, a loss in LOSSES that has it, and a recipe that weighs it."""

    def first_states(student, teacher, batch):
        starts = batch["real"] & (batch["position"] == 0)
        return ((student.states - teacher.states).square().mean(-1) * starts).sum() / batch["documents"]

    monkeypatch.setitem(LOSSES, "firsttoken", Loss({"first": Part(first_states, variance="states")}))
    config = load_yaml(ROOT / "config.yaml")
    recipe = {"loss": "firsttoken", "weights": {"first": 1.0}, "initialisation": "bottom", "freeze_embeddings": True}
    config["distillation"]["recipes"]["mine"] = recipe | {"normalise": True}
    config["recipes"] = ["mine"]
    check_config(config)

    made = Recipe(**config["distillation"]["recipes"]["mine"])
    schedule = Schedule(30, learning_rate=1e-2, warmup_ratio=0.1, weight_decay=0.0)
    run = distilling(output=tmp_path / "2", recipe=made, schedule=schedule)
    losses = [row["first_unexplained"] for row in run.curve if row["split"] == "train"]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


class Waiting(TorchDispatchMode):
    """Refuses operations whose result's shape or value a GPU would have to tell the CPU, which waits for it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        by_mask = name == "index" and any(place is not None and place.dtype == torch.bool for place in args[1])
        assert name not in ("nonzero", "masked_select", "_local_scalar_dense", "unique", "equal"), name
        assert not by_mask, "indexed by a mask"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("recipe", RECIPES, ids=loss_of)
def test_no_loss_makes_a_gpu_wait(teacher, head, batches, recipe):
    student = bottom_layers(teacher, 2)
    freeze(student, recipe)
    objective, batch = (
        distillation_objective(recipe, student, teacher, head),
        packed_batches(batches, recipe.mlm_probability)(0),
    )
    with Waiting():
        objective(batch)["loss"].backward()


def test_masked_language_modelling_does_not_make_a_gpu_wait(teacher, batches):
    batch = packed_batches(batches, 0.3)(0)
    with Waiting():
        pretraining_objective(MaskedLanguageModel(teacher), 0.0)(batch)["loss"].backward()
    with Waiting(), pytest.raises(AssertionError, match="indexed by a mask"):
        batch["token"][batch["target"] != IGNORED]


def test_uniform_is_the_mean_over_the_student_s_layers_each_against_its_own(teacher, batch):
    """Of three layers to two, layer 1 is matched with 2 and layer 2 with 3."""
    assert match_layers(3, 2) == [2, 3]
    student = bottom_layers(teacher, 2).eval()
    parts = distillation_objective(OF_LOSSES["uniform"], student, teacher)(batch)
    top = OF_LOSSES["toplayer"]
    one = distillation_objective(top, bottom_layers(teacher, 1).eval(), bottom_layers(teacher, 2))
    two = distillation_objective(top, student, teacher)
    for name in ("hidden", "attention"):
        expected = (one(batch)[name].item() + two(batch)[name].item()) / 2
        assert parts[name].item() == pytest.approx(expected, rel=1e-5)


def test_words_are_predicted_where_they_are_hidden_by_the_teacher_s_head(teacher, head, batches):
    """Against the library's masked language models, in double precision."""
    student = bottom_layers(teacher, 2).eval()
    batch = packed_batches(batches, LOGITS.mlm_probability)(0)
    part = distillation_objective(LOGITS, student, teacher, head)(batch)["soft_targets"].item()
    predicted = []
    for encoder in (student, teacher):
        model = MaskedLanguageModel(encoder).eval()
        model.head = init_mlm_head(encoder, head)
        top = run_encoder(encoder, batch)[-1]
        predicted.append((model.head(top)[batch["target"] != IGNORED].double() / 2).log_softmax(-1).detach().numpy())
    divergence = (np.exp(predicted[1]) * (predicted[1] - predicted[0])).sum(axis=1)
    assert len(divergence) > 20
    assert part == pytest.approx(4 * divergence.mean(), rel=1e-4)


# --- a whole hop ----------------------------------------------------------------------------------------------


def test_the_losses_of_a_tiny_hop_are_those_of_record(distilling, tmp_path):
    schedule = Schedule(5, learning_rate=1e-2, warmup_ratio=0.2, weight_decay=0.01)
    run = distilling(output=tmp_path / "2", schedule=schedule)
    rows = [row for row in run.curve if row["split"] == "train"]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5]
    for part, expected in GOLDEN.items():
        assert [row[part] for row in rows] == pytest.approx(expected, rel=1e-4)


def test_the_loss_falls(distilling, tmp_path):
    schedule = Schedule(60, learning_rate=1e-2, warmup_ratio=0.1, weight_decay=0.0)
    run = distilling(output=tmp_path / "2", schedule=schedule)
    held_out = [row["loss"] for row in run.curve if row["split"] == "held-out"]
    train = [row["loss"] for row in run.curve if row["split"] == "train"]
    assert [row["step"] for row in run.curve if row["split"] == "held-out"] == [0, 10, 20, 30, 40, 50, 60]
    assert held_out[-1] < held_out[3] < held_out[0]
    assert (run.held_out_copied["loss"], run.held_out_end["loss"]) == (held_out[0], held_out[-1])
    assert np.mean(train[-5:]) < 0.7 * np.mean(train[:5])


def test_a_hop_of_no_steps_is_a_pure_copy(distilling, teacher, teacher_folder, tmp_path):
    run = distilling(
        output=tmp_path / "2", checkpoints=tmp_path / "checkpoints", schedule=Schedule(0, 1e-2, 0.1, 0.01), dropout=0.1
    )
    copied = load_encoder(tmp_path / "2").state_dict()
    assert all(torch.equal(weight, teacher.state_dict()[name]) for name, weight in copied.items())
    assert (tmp_path / "2" / "tokenizer.json").read_bytes() == (teacher_folder / "tokenizer.json").read_bytes()
    assert run == TrainingResult()
    assert not (tmp_path / "checkpoints").exists()


def test_the_teacher_s_masked_language_model_head_is_carried_along(distilling, teacher_folder, tmp_path):
    schedule = Schedule(2, learning_rate=1e-2, warmup_ratio=0.0, weight_decay=0.1)
    distilling(output=tmp_path / "2", schedule=schedule)
    expected, carried = load_mlm_head(teacher_folder), load_mlm_head(tmp_path / "2")
    assert expected is not None
    assert carried is not None
    assert expected.keys() == carried.keys()
    assert all(torch.equal(expected[name], carried[name]) for name in expected)


def test_the_seed_decides_the_text_that_a_hop_reads(distilling, tmp_path):
    weights = [
        distilling(output=tmp_path / name, seed=seed) and (tmp_path / name / "model.safetensors").read_bytes()
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    ]
    assert weights[0] == weights[1] != weights[2]


def test_a_hop_never_trains_on_held_out_documents(distilling, tmp_path, monkeypatch):
    """The batches of training steps are drawn in a thread of their own, measurements read in the main one."""
    read = {"trained": set(), "measured": set()}

    class Recording(Shard):
        def spans(self, documents):
            main = threading.current_thread() is threading.main_thread()
            read["measured" if main else "trained"].update(documents.tolist())
            return super().spans(documents)

    monkeypatch.setattr(corpora, "Shard", Recording)
    schedule = Schedule(60, learning_rate=1e-3, warmup_ratio=0.1, weight_decay=0.0)
    distilling(output=tmp_path / "2", schedule=schedule)
    assert read["measured"] == {118, 119}
    assert read["trained"] == set(range(118))


def test_a_hop_is_measured_without_dropout(distilling, tmp_path, monkeypatch):
    seen = []

    def spy(recipe, student, *rest):
        objective = distillation_objective(recipe, student, *rest)
        return lambda batch: seen.append(student.training) or objective(batch)

    monkeypatch.setattr(distillation, "distillation_objective", spy)
    distilling(output=tmp_path / "2", schedule=Schedule(2, 1e-3, 0.0, 0.0), dropout=0.1)
    measured = [False] * BATCHES
    assert seen == 2 * measured + [True] + measured + [True] + measured


def test_measuring_leaves_the_weights_as_they_are_without_it(distilling, tmp_path, monkeypatch):
    """With dropout, which draws from the generator that a measurement must not touch."""
    for times in (6, 1):
        monkeypatch.setattr(packed_text, "TIMES", times)
        distilling(output=tmp_path / str(times), dropout=0.1)
    assert (tmp_path / "6/model.safetensors").read_bytes() == (tmp_path / "1/model.safetensors").read_bytes()


def test_a_student_that_ends_worse_than_its_copied_layers_is_named(distilling, tmp_path, caplog):
    ruinous = Schedule(3, learning_rate=10.0, warmup_ratio=0.0, weight_decay=0.0)
    run = distilling(output=tmp_path / "2", schedule=ruinous)
    assert run.held_out_end["loss"] > run.held_out_copied["loss"]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "test: worse than the layers it was copied from: held-out loss" in warnings[0]
    caplog.clear()
    distilling(output=tmp_path / "good", schedule=Schedule(30, 1e-2, 0.1, 0.0))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_fitted_and_normalised_hop_starts_better_than_its_copied_layers_and_learns(distilling, tmp_path):
    recipe = replace(SENTENCE, fit_layer_norm=True, normalise=True)
    schedule = Schedule(40, learning_rate=1e-2, warmup_ratio=0.1, weight_decay=0.0)
    run = distilling(output=tmp_path / "2", recipe=recipe, schedule=schedule)
    assert run.curve[0]["hidden_unexplained"] < run.held_out_copied["hidden_unexplained"]
    trained = [row["sentence_unexplained"] for row in run.curve if row["split"] == "train"]
    assert np.mean(trained[-5:]) < 0.9 * np.mean(trained[:5])
    assert run.teacher_variance.keys() == {"hidden", "sentence"}
