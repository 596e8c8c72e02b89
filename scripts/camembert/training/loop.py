"""The one training loop: pre-training, distillation and fine-tuning differ in their batches and their loss only.

Everything random in a step - its batch, its dropout - depends on the seed and the number of the step alone, so a
run continued from a checkpoint takes the very steps that an uninterrupted run takes. Of several processes each takes
its rows of every batch; losses are sums divided by what the whole batch counts, so that theirs add up to the loss of
one process.
"""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable, Collection, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from camembert.core.provenance import hash_json
from camembert.plan.losses import Batch
from camembert.runtime import parallel
from camembert.runtime.checkpoint import CheckpointFolder, on_termination
from camembert.runtime.devices import autocast, describe_device, describe_numerics, is_compiled, to_device
from camembert.runtime.job import Work
from camembert.runtime.parallel import TrainingSettings

log = logging.getLogger(__name__)

Objective = Callable[[Batch], dict[str, Tensor]]
"""Maps a batch to named losses; the one named "loss" is minimised, the others are logged.

A batch maps names to tensors, rows first, and to numbers that describe the whole batch, such as `real_tokens`, without
padding. A loss is a sum over rows divided by such a number: the processes that share a batch each see some of its rows.
"""
BatchOfStep = Callable[[int], Batch]
"""The rows that this process takes of the batch of a step, on the CPU."""

LARGEST_GRADIENT_NORM = 1.0
SECONDS_BETWEEN_LINES = 5.0
"""Of a run's log, for those who watch several jobs at once."""


class TrainingError(RuntimeError):
    """Training that cannot go on, with the step and the losses."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: linear warm-up over a share of the steps, then linear decay to 0."""

    steps: int
    learning_rate: float
    warmup_ratio: float = 0.1
    weight_decay: float = 0.01

    @classmethod
    def of(cls, steps: int, settings: Mapping[str, Any]) -> Schedule:
        """The schedule of a section of the config, for so many steps."""
        return cls(steps, settings["learning_rate"], settings["warmup_ratio"], settings["weight_decay"])

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        warm = max(1, math.ceil(self.warmup_ratio * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * (self.steps - step) / max(1, self.steps - warm)


@dataclass
class Measurement:
    """A measurement during training.

    Attributes:
        at: steps after which it is made, counted from 1; 0 is before the first.
        measure: named numbers.
        split: what the curve calls the data.
        keep_best: the number whose largest value decides which weights are kept; None keeps the last.
        shared: whether every process measures, each its rows; otherwise the first one does alone.
    """

    at: Collection[int]
    measure: Callable[[], dict[str, float]]
    split: str
    keep_best: str | None = None
    shared: bool = False


@dataclass
class TrainingResult(Work):
    """What a training ends with, beside the time it took.

    Attributes:
        curve: one row a log interval and a measurement.
        tokens: read, without padding.
        flops: floating-point operations, by the formulas of `flops`.
        held_out_end: losses on text that was never trained on, at the end.
        held_out_copied: those of a student before it was fitted or trained: of its teacher's layers as copied.
        teacher_variance: what errors of hidden states were divided by, where they were.
        computed: where and how, as `devices.describe_device` says.
        best: step and score of the measurement whose weights a fine-tuning ends with.
    """

    curve: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    flops: float = 0.0
    held_out_end: dict[str, float] = field(default_factory=dict)
    held_out_copied: dict[str, float] = field(default_factory=dict)
    teacher_variance: dict[str, float] = field(default_factory=dict)
    computed: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)


def build_optimizer(model: nn.Module, schedule: Schedule) -> torch.optim.AdamW:
    """Fused AdamW over the parameters that train; biases and layer norms are not decayed (Devlin et al. 2019)."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": schedule.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=schedule.learning_rate, fused=True)


def train(
    model: nn.Module,
    objective: Objective,
    batch_of: BatchOfStep,
    schedule: Schedule,
    settings: TrainingSettings,
    *,
    evaluation: Measurement | None = None,
    log_intervals: int = 50,
    **dependencies: Any,
) -> TrainingResult:
    """Trains the parameters of `model` that require a gradient.

    Args:
        model: on the device of the settings; ends with the weights of the last step, or of the best measurement.
        objective: named losses of a batch.
        batch_of: called ahead of time from another thread.
        schedule: steps and learning rate.
        settings: the run is saved every `checkpoint_seconds` and when SIGTERM arrives.
        evaluation: a measurement on other data during training.
        log_intervals: rows of the curve.
        dependencies: what a checkpoint depends on beside schedule, seed and where it is computed: data, teacher, code.

    Raises:
        TrainingError: losses or weights are not finite, as a row of the curve or a checkpoint shows; or the processes
            found checkpoints of different steps.
        SystemExit: after SIGTERM or SIGINT, once a checkpoint is written from which the next start continues.
    """
    run = _Run(model, schedule, settings)
    checkpoints = None
    if settings.checkpoints is not None:
        numerics = describe_numerics(settings.device, settings.precision, is_compiled(model))
        depends_on = {"schedule": vars(schedule), "seed": settings.seed, "numerics": numerics} | dependencies
        checkpoints = CheckpointFolder(settings.checkpoints, hash_json(depends_on))
    with parallel.main_process_first():
        if checkpoints and (state := checkpoints.load()):
            run.restore(state)
            del state
    if parallel.all_reduce_max(run.done, -run.done) != [run.done, -run.done]:
        raise TrainingError(
            f"{settings.name}: the processes found checkpoints of different steps; is the disk shared by all?"
        )

    def save() -> None:
        if checkpoints and parallel.rank() == 0:
            checkpoints.save(run.done, run.state())

    interval, saved = max(1, schedule.steps // log_intervals), time.monotonic()
    signals: list[int] = []
    batches = _batches(batch_of, run.done, schedule.steps, settings.device)
    with on_termination(signals.append), closing(batches):
        if run.done == 0:
            run.measure_if_due(evaluation)
        for batch in batches:
            run.take_step(objective, batch)
            last = run.done == schedule.steps
            if run.done % interval == 0 or last:
                run.add_row(steps=run.done % interval or interval)
            run.measure_if_due(evaluation)
            overdue = time.monotonic() - saved > settings.checkpoint_seconds
            stop, due = parallel.all_reduce_max(max(signals, default=0), overdue)
            if stop:
                save()
                what = f"{settings.name}: stopped by {signal.Signals(stop).name} at step {run.done} of {schedule.steps}"
                log.warning("%s; the next start continues", what)
                raise SystemExit(128 + stop)
            if due and not last:
                save()
                saved = time.monotonic()
    if run.best_weights:
        run.load(run.best_weights)
    return run.so_far()


def _batches(batch_of: BatchOfStep, first: int, steps: int, device: torch.device) -> Generator[Batch]:
    """The batches of the steps from the first on, on the device; while one is used, another thread makes the next."""

    def fetch(step: int) -> Batch:
        return to_device(batch_of(step), device)

    with ThreadPoolExecutor(1, "batches") as ahead:
        upcoming = ahead.submit(fetch, first) if first < steps else None
        for step in range(first, steps):
            assert upcoming is not None
            batch = upcoming.result()
            if step + 1 < steps:
                upcoming = ahead.submit(fetch, step + 1)
            yield batch


class _Run:
    """A training under way: what a step changes, and a checkpoint holds."""

    def __init__(self, model: nn.Module, schedule: Schedule, settings: TrainingSettings) -> None:
        self.model, self.schedule, self.settings = model, schedule, settings
        self.optimizer = build_optimizer(model, schedule)
        self.trained = {key: p for key, p in model.named_parameters() if p.requires_grad}
        self.result = TrainingResult(computed=describe_device(settings.device, settings.precision, is_compiled(model)))
        self.done = self.first = 0
        self.losses: dict[str, Tensor] = {}
        """Of the last step."""
        self.sums: dict[str, Tensor] = {}
        """Of losses and gradient norm, since the last row of the curve."""
        self.best_weights: dict[str, Tensor] = {}
        self.began = self.said = time.monotonic()
        self.cpu_began = time.process_time()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds.

        Raises:
            TrainingError: a weight is not finite.
        """
        weights = {key: parameter.detach() for key, parameter in self.trained.items()}
        if not all(weight.isfinite().all() for weight in weights.values()):
            raise self.diverged(self.losses)
        tensors = {"model": weights, "best_weights": self.best_weights, "sums": self.sums}
        return {"step": self.done, "optimizer": self.optimizer.state_dict(), "run": vars(self.so_far()), **tensors}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a checkpoint."""
        self.load(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        earlier = {"computed": self.result.computed, "earlier_cpu_seconds": state["run"]["cpu_seconds"]}
        self.result = TrainingResult(**state["run"] | earlier)
        self.done = self.first = state["step"]
        self.sums, self.best_weights = (
            {key: value.to(self.settings.device) for key, value in state[kind].items()}
            for kind in ("sums", "best_weights")
        )

    def take_step(self, objective: Objective, batch: Batch) -> None:
        """One step of the optimiser; everything random in it depends on the seed and its number alone."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.done)
        rank = [parallel.rank()] if parallel.rank() else []
        torch.manual_seed(hash((self.settings.seed, self.done, *rank)))
        with autocast(self.settings.device, self.settings.precision):
            losses = objective(batch)
        losses["loss"].backward()
        self.losses = {key: value.detach() for key, value in losses.items()}
        gradients = [parameter.grad for parameter in self.trained.values() if parameter.grad is not None]
        parallel.all_reduce_sum([*gradients, *self.losses.values()])
        norm = nn.utils.clip_grad_norm_(self.trained.values(), LARGEST_GRADIENT_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        for key, value in {**self.losses, "gradient_norm": norm}.items():
            self.sums[key] = self.sums.get(key, 0) + value
        self.result.tokens += int(batch["real_tokens"])
        self.done += 1

    def add_row(self, steps: int) -> None:
        """Adds the means over the last steps to the curve, and now and then says them.

        Raises:
            TrainingError: one of them is not finite.
        """
        means = {key: float(value) / steps for key, value in self.sums.items()}
        self.sums.clear()
        if not all(map(math.isfinite, means.values())):
            raise self.diverged(means)
        facts = {"learning_rate": self.schedule.rate(self.done - 1), "tokens": self.result.tokens}
        self.result.curve.append({"step": self.done, "split": "train"} | means | facts)
        now, in_all = time.monotonic(), self.schedule.steps
        if now - self.said > SECONDS_BETWEEN_LINES or self.done == in_all:
            self.said = now
            losses = _list({key: means[key] for key in self.losses})
            left = (now - self.began) / (self.done - self.first) * (in_all - self.done)
            where = f"step {self.done} of {in_all} ({100 * self.done // in_all} %)"
            log.info("%s: %s, %s, %.0f s left", self.settings.name, where, losses, left)

    def measure_if_due(self, evaluation: Measurement | None) -> None:
        """Makes a measurement where one is due, and remembers the weights where it is the best so far."""
        if not evaluation or self.done not in evaluation.at or not (evaluation.shared or parallel.rank() == 0):
            return
        was_training = self.model.training
        self.model.eval()
        with torch.no_grad():  # not inference_mode: compiled layers would be compiled once more for it
            scores = evaluation.measure()
        self.model.train(was_training)
        self.result.curve.append({"step": self.done, "split": evaluation.split, **scores})
        log.info("%s: %s at step %d: %s", self.settings.name, evaluation.split, self.done, _list(scores))
        best = self.result.best
        if evaluation.keep_best and (not best or scores[evaluation.keep_best] > best["score"]):
            self.result.best = {"step": self.done, "score": scores[evaluation.keep_best]}
            self.best_weights = {key: parameter.detach().clone() for key, parameter in self.trained.items()}

    def so_far(self) -> TrainingResult:
        """The result, with the time that was spent until now."""
        seconds = self.result.seconds + time.monotonic() - self.began
        cpu_seconds = self.result.cpu_seconds + (time.process_time() - self.cpu_began) * parallel.world_size()
        return replace(self.result, seconds=seconds, cpu_seconds=cpu_seconds)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Gives what trains these weights."""
        with torch.no_grad():
            for key, parameter in self.trained.items():
                parameter.copy_(weights[key])

    def diverged(self, values: Mapping[str, Tensor | float]) -> TrainingError:
        """What to say of losses or weights that are not finite after the step that was taken last."""
        rate = self.schedule.rate(self.done - 1)
        return TrainingError(
            f"{self.settings.name}: losses or weights are not finite at step {self.done}: {_list(values)},"
            f" learning rate {rate:.4g}; lower the learning rate"
        )


def _list(values: Mapping[str, Tensor | float]) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in values.items())
