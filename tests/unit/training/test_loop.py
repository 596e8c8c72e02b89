"""The training loop: its schedule, its curve, and runs that are stopped and continued."""

import errno
import hashlib
import logging
import math
import multiprocessing
import os
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from camembert.data.tasks import read_examples, write_examples
from camembert.models.encoder import save_model
from camembert.plan.losses import Recipe
from camembert.runtime.job import logged
from camembert.runtime.parallel import TrainingSettings
from camembert.tokens.corpora import CorpusFolders, write_shard
from camembert.tokens.tokenizer import save_tokenizer, train_tokenizer
from camembert.training import finetuning, loop, packed_text
from camembert.training.loop import (
    Measurement,
    Schedule,
    TrainingError,
    TrainingResult,
    build_optimizer,
    train,
)
from camembert.training.soft_labels import SoftLabels, save_soft_labels

NLI = ["entailment", "neutral", "contradiction"]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """The tests of checkpoints show that they are flushed; here they are many."""
    monkeypatch.setattr("os.fsync", lambda _: None)


class Killed(Exception):
    """Stands for whatever ends a process between two steps."""


def newest_step(checkpoints: Path) -> int:
    """The step of the newest checkpoint, 0 if there is none."""
    return max((int(path.name.split("-")[1]) for path in checkpoints.glob("step-*")), default=0)


def weights_of(model_folder: Path) -> str:
    return hashlib.sha256((model_folder / "model.safetensors").read_bytes()).hexdigest()


# --- a toy: linear layers with dropout, fitted to a noisy line ----------------------------------------------------


class Toy:
    """A model with its own batches and objective, and what `train` is called with."""

    def __init__(self, steps: int = 110, checkpoints: Path | None = None, learning_rate: float = 1e-2) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.LayerNorm(8), nn.Linear(8, 1))
        self.schedule = Schedule(steps, learning_rate, warmup_ratio=0.1, weight_decay=0.1)
        self.settings = TrainingSettings("toy", checkpoints=checkpoints, checkpoint_seconds=0.0)
        self.asked: list[int] = []
        self.stop_at = -1

    def batch_of(self, step: int) -> dict:
        self.asked.append(step)
        if step == self.stop_at:
            raise Killed
        x = torch.from_numpy(np.random.default_rng(step).normal(size=(8, 4)).astype(np.float32))
        return {"step": step, "x": x, "y": x.sum(1, keepdim=True), "real_tokens": 8 + step % 2}

    def objective(self, batch: dict) -> dict[str, torch.Tensor]:
        loss = (self.model(batch["x"]) - batch["y"]).square().mean()
        return {"loss": loss, "error": loss.sqrt()}

    def train(self, log_intervals: int = 50, evaluation: Measurement | None = None, **settings) -> TrainingResult:
        return train(
            self.model,
            self.objective,
            self.batch_of,
            self.schedule,
            replace(self.settings, **settings),
            log_intervals=log_intervals,
            evaluation=evaluation,
        )

    @property
    def weights(self) -> list[torch.Tensor]:
        return [weight.clone() for weight in self.model.state_dict().values()]


def same_weights(one: Toy, other: Toy) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))


@pytest.mark.parametrize("training", ["pretraining", "distilling", "finetuning"])
def test_no_training_replaces_what_is_there_already(request, training, teacher_folder, tmp_path):
    (tmp_path / "theses").mkdir()
    (tmp_path / "theses" / "mine.tex").write_text("years")
    for folder in (tmp_path / "theses", teacher_folder):
        with pytest.raises(FileExistsError, match=f"{folder.name} is there already, expected a new folder"):
            request.getfixturevalue(training)(output=folder, checkpoints=tmp_path / "checkpoints")
    assert (tmp_path / "theses" / "mine.tex").read_text() == "years"


# --- schedule and optimiser -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "warmup", "rates"),
    [
        (10, 0.4, [1 / 4, 2 / 4, 3 / 4, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        (5, 0.0, [1, 1, 3 / 4, 1 / 2, 1 / 4]),
        (1, 0.1, [1]),
    ],
)
def test_the_learning_rate_rises_and_falls_in_straight_lines(steps, warmup, rates):
    rate = Schedule(steps, learning_rate=2.0, warmup_ratio=warmup, weight_decay=0.0).rate
    assert [rate(step) / 2.0 for step in range(steps)] == pytest.approx(rates)
    assert rate(steps) == 0


def test_a_step_is_that_of_adamw_with_clipped_gradients():
    toy, plain = Toy(steps=4), Toy(steps=4)
    toy.train()
    optimizer = build_optimizer(plain.model, plain.schedule)
    for step in range(4):
        for group in optimizer.param_groups:
            group["lr"] = plain.schedule.rate(step)
        torch.manual_seed(hash((1, step)))
        plain.objective(plain.batch_of(step))["loss"].backward()
        norm = torch.stack([p.grad.norm() for p in plain.model.parameters()]).norm()
        assert norm > 1, "a smaller gradient is not clipped"
        for parameter in plain.model.parameters():
            parameter.grad /= norm
        optimizer.step()
        optimizer.zero_grad()
    for ours, expected in zip(toy.weights, plain.weights, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


def test_biases_and_layer_norms_are_not_decayed_and_frozen_tensors_not_held():
    toy = Toy()
    toy.model[3].requires_grad_(False)
    decayed, others = build_optimizer(toy.model, toy.schedule).param_groups
    assert [p.shape for p in decayed["params"]] == [(8, 4)]
    assert [p.shape for p in others["params"]] == [(8,), (8,), (8,)]
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


# --- the curve ------------------------------------------------------------------------------------------------


def test_the_curve_has_a_row_an_interval_with_means_of_the_losses_and_the_tokens_so_far():
    toy, losses = Toy(steps=10), []
    objective = toy.objective
    toy.objective = lambda batch: losses.append(objective(batch)) or losses[-1]
    curve = toy.train(log_intervals=3).curve
    assert [row["step"] for row in curve] == [3, 6, 9, 10]
    for row, (first, last) in zip(curve, [(0, 3), (3, 6), (6, 9), (9, 10)], strict=True):
        assert row["split"] == "train"
        for part in ("loss", "error"):
            expected = np.mean([loss[part].item() for loss in losses[first:last]])
            assert row[part] == pytest.approx(expected, rel=1e-6)
        assert row["tokens"] == 8 * last + last // 2
        assert row["gradient_norm"] > 0


def test_the_log_says_how_far_a_run_is_and_at_least_that_it_is_done(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    Toy(steps=10).train(log_intervals=2)
    assert [record.getMessage().split(", ")[0] for record in caplog.records] == ["toy: step 10 of 10 (100 %)"]
    monkeypatch.setattr("camembert.training.loop.SECONDS_BETWEEN_LINES", 0.0)
    Toy(steps=10).train(log_intervals=2)
    assert re.search(r"toy: step 5 of 10 \(50 %\), loss [\d.]+, error [\d.]+, \d+ s left", caplog.text)


def test_the_seed_decides_dropout_and_nothing_before_a_run_does():
    one, again, other = Toy(steps=5), Toy(steps=5), Toy(steps=5)
    one.train(seed=1)
    torch.manual_seed(99)
    again.train(seed=1)
    other.train(seed=2)
    assert same_weights(one, again)
    assert not same_weights(one, other)


def test_measurements_are_made_in_eval_mode_without_gradients_at_their_steps():
    toy, seen = Toy(steps=10), []

    def measure() -> dict[str, float]:
        seen.append((toy.model.training, torch.is_grad_enabled(), len(toy.asked)))
        return {"loss": 0.5}

    curve = toy.train(evaluation=Measurement({4, 10}, measure, "dev")).curve
    assert [(row["step"], row["loss"]) for row in curve if row["split"] == "dev"] == [(4, 0.5), (10, 0.5)]
    assert [flags for *flags, _ in seen] == [[False, False]] * 2
    assert toy.model.training


def test_the_weights_of_the_best_measurement_are_kept_and_of_equals_the_first():
    scores = {2: 0.3, 4: 0.9, 6: 0.9, 8: 0.1}
    toy, weights = Toy(steps=8), {}

    def measure() -> dict[str, float]:
        step = 2 * len(weights) + 2
        weights[step] = toy.weights
        return {"accuracy": scores[step]}

    run = toy.train(evaluation=Measurement(scores.keys(), measure, "dev", keep_best="accuracy"))
    assert (run.best["step"], run.best["score"]) == (4, 0.9)
    assert all(torch.equal(a, b) for a, b in zip(toy.weights, weights[4], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(toy.weights, weights[8], strict=True))


# --- stopped and continued ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [1, 2, 5, 6, 53, 109])
def test_a_stopped_loop_ends_with_the_same_weights_and_curve(tmp_path, stop):
    """110 steps make a row of the curve every two, so that odd steps stop in the middle of a row."""
    through, stopped = Toy(), Toy(checkpoints=tmp_path)
    expected = through.train()
    stopped.stop_at = stop
    with pytest.raises(Killed):
        stopped.train()
    assert newest_step(tmp_path) == stop
    continued = Toy(checkpoints=tmp_path)
    run = continued.train()
    assert continued.asked == list(range(stop, 110)), "no step is taken twice"
    assert same_weights(continued, through)
    assert (run.curve, run.tokens) == (expected.curve, expected.tokens)


def test_the_best_weights_survive_a_stop(tmp_path):
    def evaluation(toy: Toy) -> Measurement:
        return Measurement({4, 8, 12}, lambda: {"accuracy": -len(str(toy.asked[-1]))}, "dev", keep_best="accuracy")

    through, stopped, continued = (
        Toy(steps=12),
        Toy(steps=12, checkpoints=tmp_path),
        Toy(steps=12, checkpoints=tmp_path),
    )
    expected = through.train(evaluation=evaluation(through))
    stopped.stop_at = 9
    with pytest.raises(Killed):
        stopped.train(evaluation=evaluation(stopped))
    run = continued.train(evaluation=evaluation(continued))
    assert expected.best["step"] == run.best["step"] == 4
    assert same_weights(continued, through)


def test_a_finished_run_is_not_trained_again(tmp_path):
    """SIGTERM in the last step: the next start has nothing left to do."""
    through, stopped, continued = Toy(steps=6), Toy(steps=6, checkpoints=tmp_path), Toy(steps=6, checkpoints=tmp_path)
    expected = through.train()
    stopped.objective = at(6, sigterm, stopped.objective)
    with pytest.raises(SystemExit):
        stopped.train()
    run = continued.train()
    assert continued.asked == []
    assert same_weights(continued, through)
    assert run.curve == expected.curve


def test_seconds_add_up_over_stops(tmp_path):
    toy = Toy(steps=6, checkpoints=tmp_path)
    toy.stop_at = 5
    with pytest.raises(Killed):
        toy.train()
    state = torch.load(tmp_path / "step-5" / "state.pt", weights_only=True)
    assert state["run"]["seconds"] > 0
    run = Toy(steps=6, checkpoints=tmp_path).train()
    assert run.seconds > state["run"]["seconds"]
    assert run.cpu_seconds > state["run"]["cpu_seconds"] == run.earlier_cpu_seconds > 0
    assert Toy(steps=6).train().earlier_cpu_seconds == 0


def test_checkpoints_wait_for_their_time(tmp_path):
    Toy(steps=6, checkpoints=tmp_path / "never").train(checkpoint_seconds=60)
    assert not (tmp_path / "never").exists()
    Toy(steps=6, checkpoints=tmp_path / "always").train(checkpoint_seconds=0)
    assert newest_step(tmp_path / "always") == 5


BATCHES = {
    "distilling": (packed_text, "packed_batches"),
    "pretraining": (packed_text, "packed_batches"),
    "finetuning": (finetuning, "shuffled_batches"),
    "soft_finetuning": (finetuning, "shuffled_batches"),
}
"""Of every training where its batches come from."""


@pytest.mark.parametrize("fixture", BATCHES)
def test_a_stopped_training_ends_with_the_same_weights_and_curve(request, tmp_path, monkeypatch, caplog, fixture):
    """With dropout, and for fine-tuning with the best weights so far; step 9 is the tenth."""
    training = partial(request.getfixturevalue(fixture), dropout=0.1)
    expected = training(output=tmp_path / "through", checkpoints=tmp_path / "none", checkpoint_seconds=math.inf)

    module, batches = BATCHES[fixture]
    draw, asked, stop_at = getattr(module, batches), [], 9

    def stopping(*args, **own):
        batch_of = draw(*args, **own)

        def batch_or_stop(step: int):
            asked.append(step)
            if step == stop_at:
                raise Killed
            return batch_of(step)

        return batch_or_stop

    monkeypatch.setattr(module, batches, stopping)
    with pytest.raises(Killed):
        training(output=tmp_path / "stopped", checkpoints=tmp_path / "checkpoints")
    assert not (tmp_path / "stopped").exists()
    assert newest_step(tmp_path / "checkpoints") == 9

    caplog.set_level(logging.INFO)
    asked.clear()
    stop_at = -1
    run = training(output=tmp_path / "stopped", checkpoints=tmp_path / "checkpoints")
    assert "continuing from the checkpoint of step 9" in caplog.text
    assert asked[0] == 9
    assert weights_of(tmp_path / "stopped") == weights_of(tmp_path / "through")
    assert (run.curve, run.tokens) == (expected.curve, expected.tokens)
    if expected.best:
        assert (run.best["step"], run.best["score"]) == (expected.best["step"], expected.best["score"])


@pytest.mark.parametrize("fixture", BATCHES)
def test_dropout_is_on_while_training(request, tmp_path, fixture):
    """Otherwise no stop in a run with dropout would show anything."""
    training = partial(request.getfixturevalue(fixture), checkpoints=tmp_path / "none", checkpoint_seconds=math.inf)
    for dropout in (0.0, 0.1):
        training(output=tmp_path / str(dropout), dropout=dropout)
    assert weights_of(tmp_path / "0.0") != weights_of(tmp_path / "0.1")


# --- what a checkpoint belongs to -----------------------------------------------------------------------------


def fingerprint(training, monkeypatch, tmp_path, **changes) -> str:
    """The fingerprint that a training would give its checkpoints."""

    class Asked(Exception):
        """Ends a training that has none yet."""

    def ask(path, fingerprint):
        raise Asked(fingerprint)

    monkeypatch.setattr(loop, "CheckpointFolder", ask)
    with pytest.raises(Asked) as asked:
        training(**{"output": tmp_path / "model", "checkpoints": tmp_path / "checkpoints"} | changes)
    return asked.value.args[0]


@pytest.fixture
def others(lines, words, corpus, make_encoder, tokenizer_folder, pairs, soft_labels, tmp_path):
    """What a training might read instead, by name; each is made when it is asked for."""

    def text(change) -> list[CorpusFolders]:
        folders = {language: tmp_path / "text" / language for language in lines}
        for language, folder in folders.items():
            write_shard(folder, change(lines[language]), words, {"parallel": True})
        return [CorpusFolders(folders)]

    def encoder() -> Path:
        save_model(make_encoder(3, seed=5), tmp_path / "other", tokenizer_folder)
        return tmp_path / "other"

    def tokenizer() -> Path:
        save_tokenizer(train_tokenizer(lines["en"], 120, lowercase=False), tmp_path / "words", 32, lowercase=False)
        return tmp_path / "words"

    def examples() -> list[Path]:
        rows = read_examples(pairs["train"])
        write_examples([rows[0]._replace(label=2), *rows[1:]], tmp_path / "pairs.parquet")
        return [tmp_path / "pairs.parquet"]

    def soft() -> SoftLabels:
        logits, files = np.zeros((100, 3), dtype=np.float32), [pairs["train"], *soft_labels.unlabelled]
        save_soft_labels(logits, files, NLI, tmp_path / "soft")
        return replace(soft_labels, file=tmp_path / "soft")

    return {
        "other corpus": lambda: text(lambda own: [*own[:-1], own[0]]),
        "other lines": lambda: text(lambda own: [f"{own[0]} {own[1]}", *own[2:]]),  # the same tokens
        "other share": lambda: [CorpusFolders(corpus, 2.0)],
        "other mixture": lambda: [CorpusFolders(corpus), CorpusFolders({"en": corpus["en"]}, 0.5)],
        "other encoder": encoder,
        "other tokenizer": tokenizer,
        "other examples": examples,
        "other soft labels": soft,
        "other temperature": lambda: replace(soft_labels, temperature=1.0),
        "other weight": lambda: replace(soft_labels, weight=1.0),
    }


MODULES = {"distilling": "distillation", "pretraining": "pretraining"}
TOPLAYER = Recipe("toplayer", {"hidden": 1.0, "attention": 10.0})
OTHER_RECIPES = [
    *(replace(TOPLAYER, weights=TOPLAYER.weights | {part: 2.0}) for part in ("hidden", "attention", "sentence")),
    *(replace(TOPLAYER, **{key: True}) for key in ("fit_layer_norm", "normalise")),
    replace(TOPLAYER, loss="uniform"),
    replace(TOPLAYER, freeze_embeddings=False),
    replace(TOPLAYER, initialisation="strided"),
]
ALL = {"dropout": [0.2], "seed": [2], "precision": ["bf16"]}
ON_TEXT = {
    "schedule": [
        *(Schedule(13, 1e-2, 0.2, 0.01), Schedule(12, 1e-3, 0.2, 0.01)),
        *(Schedule(12, 1e-2, 0.1, 0.01), Schedule(12, 1e-2, 0.2, 0.1)),
    ],
    "text": [
        {"batch_size": 4, "sequence_length": 32, "sampling_exponent": 0.7} | change
        for change in ({"batch_size": 5}, {"sequence_length": 16}, {"sampling_exponent": 0.5})
    ],
}
CHANGES = {
    "distilling": ALL
    | ON_TEXT
    | {"layers": [1], "recipe": OTHER_RECIPES, "corpora": ["other corpus"], "teacher_folder": ["other encoder"]},
    "pretraining": ALL
    | ON_TEXT
    | {
        "layers": [2],
        "mlm_probability": [0.2],
        "architecture": [{"hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 32, "max_length": 32}],
    }
    | {"corpora": ["other corpus", "other lines", "other share", "other mixture"]}
    | {"tokenizer_folder": ["other tokenizer"]},
    "finetuning": ALL
    | {"epochs": [3], "batch_size": [10], "learning_rate": [1e-3], "warmup_ratio": [0.1], "weight_decay": [0.1]}
    | {"max_length": [16], "evaluations": [3], "encoder_folder": ["other encoder"]}
    | {"train_examples": ["other examples"], "dev_examples": ["other examples"]},
    "soft_finetuning": {"soft_labels": ["other soft labels", "other temperature", "other weight", None]},
}
"""Of every training what its result depends on, and other values."""


@pytest.mark.parametrize("fixture", CHANGES)
def test_a_fingerprint_changes_with_whatever_a_run_depends_on_and_with_nothing_else(
    request, others, tmp_path, monkeypatch, fixture
):
    print_of = partial(fingerprint, request.getfixturevalue(fixture), monkeypatch, tmp_path)
    changes = {"output": tmp_path / "elsewhere", "checkpoints": tmp_path / "moved", "name": "6-2"}
    found = [print_of()]
    assert print_of(**changes, checkpoint_seconds=7.0) == found[0]
    for key, values in CHANGES[fixture].items():
        for value in values:
            made = others[value]() if isinstance(value, str) and value in others else value
            found.append(print_of(**{key: made}))
    monkeypatch.setattr(f"camembert.training.{MODULES.get(fixture, 'finetuning')}.hash_code", lambda *_: "other code")
    found.append(print_of())
    monkeypatch.setattr(loop, "describe_numerics", lambda *_: ["added up in another order"])
    found.append(print_of())
    assert len(set(found)) == sum(map(len, CHANGES[fixture].values())) + 3


# --- divergence -----------------------------------------------------------------------------------------------


def at(step: int, change, objective):
    """The same objective, but the losses of one step (counted from 1) are changed."""
    return lambda batch: change(objective(batch)) if batch["step"] == step - 1 else objective(batch)


def no_numbers(losses: dict) -> dict:
    return {key: loss * math.nan for key, loss in losses.items()}


def root_of_nothing(losses: dict) -> dict:
    """A finite loss whose gradient is not."""
    return losses | {"loss": losses["loss"] + (losses["loss"] * 0).sqrt()}


def sigterm(losses: dict) -> dict:
    os.kill(os.getpid(), signal.SIGTERM)
    return losses


def sigint(losses: dict) -> dict:
    os.kill(os.getpid(), signal.SIGINT)
    return losses


@pytest.mark.parametrize("spoil", [no_numbers, root_of_nothing])
@pytest.mark.parametrize("step", [1, 7, 10, 100])
def test_a_run_that_diverges_leaves_no_checkpoint_with_spoilt_weights(tmp_path, spoil, step):
    """A row of the curve every ten steps, a checkpoint every step."""
    toy = Toy(steps=100, checkpoints=tmp_path)
    toy.objective = at(step, spoil, toy.objective)
    with pytest.raises(TrainingError) as error:
        toy.train(log_intervals=10)
    assert f"toy: losses or weights are not finite at step {step}: loss " in str(error.value)
    assert f"learning rate {toy.schedule.rate(step - 1):.4g}" in str(error.value)
    assert ("loss nan" in str(error.value)) == (spoil is no_numbers)
    if spoil is no_numbers:
        assert "error nan" in str(error.value)
    assert newest_step(tmp_path) == step - 1
    for state in (torch.load(path, weights_only=True) for path in tmp_path.glob("step-*/state.pt")):
        assert all(weight.isfinite().all() for weight in state["model"].values())


@pytest.mark.parametrize("spoil", [no_numbers, root_of_nothing])
def test_a_run_that_diverges_without_checkpoints_ends_at_the_next_row(spoil):
    toy = Toy(steps=100)
    toy.objective = at(7, spoil, toy.objective)
    with pytest.raises(TrainingError, match=r"at step 10: loss .*gradient_norm nan, learning rate 0\.01;"):
        toy.train(log_intervals=10)


def test_sigterm_right_after_divergence_saves_nothing(tmp_path):
    toy = Toy(steps=100, checkpoints=tmp_path)
    toy.objective = at(7, sigterm, at(7, no_numbers, toy.objective))
    with pytest.raises(TrainingError, match="at step 7"):
        toy.train(log_intervals=10, checkpoint_seconds=60)
    assert newest_step(tmp_path) == 0


def test_a_full_disk_ends_a_run_which_continues_when_there_is_room(tmp_path, monkeypatch):
    through, stopped, continued = Toy(), Toy(checkpoints=tmp_path), Toy(checkpoints=tmp_path)
    through.train()

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill_the_disk_at(step: int) -> dict:
        if step == 20:
            full.setattr("os.fsync", refuse)
        return Toy.batch_of(stopped, step)

    stopped.batch_of = fill_the_disk_at
    with monkeypatch.context() as full, pytest.raises(OSError, match="No space left on device"):
        stopped.train()
    newest = newest_step(tmp_path)
    assert newest in (18, 19, 20), "batch 20 is drawn ahead, at the latest when step 20 waits for it"
    continued.train()
    assert continued.asked[0] == newest
    assert same_weights(continued, through)


# --- signals and kills ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("send", "status"), [(sigterm, 143), (sigint, 130)])
def test_a_signal_saves_a_checkpoint_and_the_next_start_continues(tmp_path, caplog, send, status):
    through, stopped, continued = Toy(), Toy(checkpoints=tmp_path), Toy(checkpoints=tmp_path)
    expected = through.train()
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    stopped.objective = at(35, send, stopped.objective)
    with pytest.raises(SystemExit) as stop:
        stopped.train(checkpoint_seconds=60)
    assert stop.value.code == status
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before
    assert f"toy: stopped by {send.__name__.upper()} at step 35 of 110; the next start continues" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["step-35"]
    run = continued.train()
    assert continued.asked[0] == 35
    assert same_weights(continued, through)
    assert run.curve == expected.curve


def test_a_loop_outside_the_main_thread_leaves_signals_alone():
    """Only the main thread may handle them."""
    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as pool:
        assert len(pool.submit(Toy(steps=3).train).result().curve) == 3
    assert signal.getsignal(signal.SIGTERM) == before


def slow_disk(_: int) -> None:
    """Stands in for fsync, so that kills hit a checkpoint half-written."""
    time.sleep(0.005)


def run_job(training: partial, output: Path, checkpoints: Path, log: Path, checkpoint_seconds: float) -> None:
    """What a job does, in a process of its own."""
    os.fsync = slow_disk
    with logged(log):
        training(output=output, checkpoints=checkpoints, checkpoint_seconds=checkpoint_seconds)


@pytest.fixture(scope="module")
def processes():
    """Starts processes in which torch and transformers are already imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "transformers.models.bert.modeling_bert", "pyarrow.parquet", "pytest"])
    return context


def wait_for(condition, process) -> None:
    """Waits until a condition holds or a process ends."""
    deadline = time.monotonic() + 60
    while not condition() and process.is_alive():
        assert time.monotonic() < deadline, "nothing happened for a minute"
        time.sleep(0.0005)


def test_a_run_killed_twenty_times_ends_with_the_same_weights(distilling, tmp_path, processes):
    """Killed while it starts, between steps, and while a checkpoint is half-written, at one step after another."""
    draw = random.Random(0)
    training = partial(distilling, schedule=Schedule(200, 1e-2, 0.2, 0.01), dropout=0.1)
    training(output=tmp_path / "through", checkpoints=tmp_path / "none", checkpoint_seconds=math.inf)
    checkpoints, log = tmp_path / "checkpoints", tmp_path / "log"
    job = partial(processes.Process, target=run_job, args=(training, tmp_path / "2", checkpoints, log, 0.0))

    def half_written() -> bool:
        return any(path.name.startswith(".partial-") for path in checkpoints.iterdir())

    hits = kills = 0
    while kills < 20:
        before, process = newest_step(checkpoints), job()
        process.start()
        if kills % 4 == 0:
            time.sleep(draw.uniform(0, 0.3))
        else:
            wait_for(lambda before=before: newest_step(checkpoints) > before, process)
            time.sleep(draw.uniform(0, 0.02))
        if kills % 4 >= 2:
            wait_for(half_written, process)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "the run ended before it was killed often enough"
        hits += checkpoints.exists() and half_written()
        kills += 1
    assert hits > 3, "hardly any kill hit a checkpoint while it was written"
    reached = newest_step(checkpoints)
    assert 15 <= reached < 200

    process = job()
    process.start()
    process.join()
    assert process.exitcode == 0
    assert f"continuing from the checkpoint of step {reached}" in log.read_text()
    assert "damaged" not in log.read_text()
    assert weights_of(tmp_path / "2") == weights_of(tmp_path / "through")


def test_a_job_stopped_by_sigterm_ends_with_143_and_continues(finetuning, tmp_path, processes):
    training = partial(finetuning, epochs=20, evaluations=20)
    training(output=tmp_path / "through", checkpoints=tmp_path / "none", checkpoint_seconds=math.inf)
    checkpoints, log = tmp_path / "checkpoints", tmp_path / "log"
    job = partial(processes.Process, target=run_job, args=(training, tmp_path / "model", checkpoints, log, 60.0))
    process = job()
    process.start()
    wait_for(lambda: log.exists() and "test: dev at step" in log.read_text(), process)
    process.terminate()
    process.join()
    assert process.exitcode == 143
    stopped = newest_step(checkpoints)
    assert f"stopped by SIGTERM at step {stopped} of 140; the next start continues" in log.read_text()
    assert not (tmp_path / "model").exists()

    process = job()
    process.start()
    process.join()
    assert process.exitcode == 0
    assert f"continuing from the checkpoint of step {stopped}" in log.read_text()
    assert weights_of(tmp_path / "model") == weights_of(tmp_path / "through")
