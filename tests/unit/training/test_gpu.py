"""On a GPU, what is computed on a CPU: `pytest -m gpu` runs these alone. Stand-ins on a CPU keep tolerances honest.

Tolerances: in float32 a loss to 1e-4 and a gradient to 1e-3 of its norm, as a GPU adds up in another order; in
bfloat16, which keeps 8 bits, a loss to 3 % and a gradient to 10 % of its norm.
"""

import copy
import math

import pytest
import torch
from students import RECIPES, bottom_layers

from camembert.models.encoder import compile_layers, load_encoder, load_mlm_head
from camembert.runtime.devices import autocast, to_device
from camembert.tokens.corpora import Shard, TokenizedCorpus
from camembert.tokens.packing import TextBatches
from camembert.training import packed_text
from camembert.training.distillation import distillation_objective, freeze
from camembert.training.packed_text import packed_batches
from camembert.training.pretraining import MaskedLanguageModel, pretraining_objective

CPU, GPU = torch.device("cpu"), torch.device("cuda")
TRAININGS = ["distilling", "pretraining", "finetuning"]
OBJECTIVES = ["masked_lm", *RECIPES]
needs_a_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that PyTorch sees"),
]
on_a_gpu = pytest.param(GPU, marks=needs_a_gpu, id="gpu")
stand_in = pytest.param(CPU, id="stand-in")


def gpu_test(test):
    for mark in needs_a_gpu:
        test = mark(test)
    return test


@pytest.fixture
def compute(teacher_folder, corpus, special):
    """Losses and gradients of one batch, without dropout, by an objective's name."""

    def run(name: str, device: torch.device, precision: str = "fp32", backend: str | None = None, guard: bool = False):
        batches = TextBatches(
            [TokenizedCorpus({key: Shard(path) for key, path in corpus.items()})], special, 8, 32, 0.7, seed=0
        )
        teacher, head = load_encoder(teacher_folder).to(device), load_mlm_head(teacher_folder)
        encoders, mask = [teacher], 0.3
        if name == "masked_lm":
            torch.manual_seed(0)  # of the head
            model: torch.nn.Module = MaskedLanguageModel(teacher.cpu()).to(device)
            objective = pretraining_objective(model, 0.5)
        else:
            model = student = bottom_layers(copy.deepcopy(teacher), 2).to(device)
            encoders, mask = [teacher, student], RECIPES[name].mlm_probability
            freeze(student, RECIPES[name])
            objective = distillation_objective(RECIPES[name], student, teacher, head)
        model.eval()
        for encoder in encoders if backend else []:
            compile_layers(encoder, backend=backend)
        batch = to_device(packed_batches(batches, mask)(0), device)
        if guard:
            torch.cuda.set_sync_debug_mode("error")
        try:
            with autocast(device, precision):
                losses = objective(batch)
            losses["loss"].backward()
        finally:
            if guard:
                torch.cuda.set_sync_debug_mode("default")
        gradients = {key: p.grad.cpu() for key, p in model.named_parameters() if p.grad is not None}
        return {key: loss.item() for key, loss in losses.items()}, gradients

    return run


def assert_close(one, other, loss: float, gradient: float) -> None:
    """Losses relatively, and each gradient by the norm of its difference, a share of the norm of the largest."""
    assert one[0] == pytest.approx(other[0], rel=loss)
    assert one[1].keys() == other[1].keys()
    largest = max(expected.norm().item() for expected in other[1].values())
    for name, expected in other[1].items():
        scale = max(expected.norm().item(), 0.01 * largest)
        assert (one[1][name] - expected).norm().item() < gradient * scale, name


@gpu_test
@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_and_gradients_in_float32_are_those_of_the_cpu(compute, name):
    assert_close(compute(name, GPU), compute(name, CPU), loss=1e-4, gradient=1e-3)


@pytest.mark.parametrize("device", [on_a_gpu, stand_in])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_and_gradients_in_bfloat16_are_near_those_of_float32(compute, name, device):
    assert_close(compute(name, device, "bf16"), compute(name, CPU), loss=0.03, gradient=0.1)


@pytest.mark.parametrize(
    ("device", "backend"),
    [pytest.param(GPU, "inductor", marks=needs_a_gpu, id="gpu"), pytest.param(CPU, "aot_eager", id="stand-in")],
)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_compiled_layers_have_the_losses_and_gradients_of_uncompiled_ones(compute, name, device, backend):
    torch._dynamo.reset()
    assert_close(compute(name, device, backend=backend), compute(name, device), loss=1e-4, gradient=1e-3)


@gpu_test
@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_step_waits_for_the_gpu(compute, name):
    compute(name, GPU)  # what is set up once may wait
    compute(name, GPU, guard=True)


@gpu_test
@pytest.mark.parametrize("fixture", TRAININGS)
def test_a_training_on_a_gpu_says_so(request, tmp_path, fixture):
    run = request.getfixturevalue(fixture)(output=tmp_path / "model", checkpoints=tmp_path / "checkpoints", device=GPU)
    assert all(math.isfinite(row["loss"]) for row in run.curve)
    assert (run.computed["device"], run.computed["processor"]) == ("cuda", torch.cuda.get_device_name())
    assert run.computed["compiled"] == (fixture != "finetuning")


class Killed(Exception):
    """A kill at the moment when a batch is drawn."""


@gpu_test
def test_a_stopped_training_goes_on_where_it_stopped(distilling, tmp_path, monkeypatch):
    """A GPU adds some gradients up in any order, so that curves are the same to rounding."""
    settings = {"device": GPU, "dropout": 0.1, "precision": "fp32"}
    expected = distilling(output=tmp_path / "through", checkpoints=tmp_path / "none", **settings)
    draw = packed_text.packed_batches

    def killing(*args):
        batch_of = draw(*args)

        def batch_or_kill(step: int):
            if step == 9:
                raise Killed
            return batch_of(step)

        return batch_or_kill

    with monkeypatch.context() as patch:
        patch.setattr(packed_text, "packed_batches", killing)
        with pytest.raises(Killed):
            distilling(output=tmp_path / "stopped", checkpoints=tmp_path / "checkpoints", **settings)
    run = distilling(output=tmp_path / "stopped", checkpoints=tmp_path / "checkpoints", **settings)
    assert [row["step"] for row in run.curve] == [row["step"] for row in expected.curve]
    assert [row["loss"] for row in run.curve] == pytest.approx([row["loss"] for row in expected.curve], rel=1e-3)


@gpu_test
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_train_what_one_does(distilling, tmp_path):
    settings = {"precision": "fp32", "dropout": 0.0}
    alone = distilling(output=tmp_path / "one", checkpoints=tmp_path / "of-one", **settings, device=GPU)
    shared = distilling(output=tmp_path / "two", checkpoints=tmp_path / "of-two", **settings, device=GPU, processes=2)
    assert shared.tokens == alone.tokens
    assert shared.computed["processes"] == 2
    assert [row["loss"] for row in shared.curve] == pytest.approx([row["loss"] for row in alone.curve], rel=2e-3)
