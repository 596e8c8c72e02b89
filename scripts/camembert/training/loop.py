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
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from camembert.runtime import parallel
from camembert.runtime.checkpoint import CheckpointFolder
from camembert.runtime.devices import autocast, describe, is_compiled, pinned, to_device
from camembert.runtime.termination import Termination

log = logging.getLogger(__name__)

Batch = Any
Objective = Callable[[Batch], dict[str, Tensor]]
"""Maps a batch to named losses; the one named "loss" is minimised, the others are logged.

A batch maps names to tensors, rows first, and to numbers that describe the whole batch. A loss is a sum over rows
divided by such a number: the processes that share a batch each see some of its rows.
"""

LARGEST_GRADIENT_NORM = 1.0
SECONDS_BETWEEN_LINES = 5.0
"""Of a run's log, for those who watch several jobs at once."""


class TrainingError(RuntimeError):
    """Training that cannot go on, with the step and the losses."""


class Interrupted(SystemExit):
    """SIGTERM or SIGINT arrived: a checkpoint was written, the next start continues from it."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: linear warm-up over a share of the steps, then linear decay to 0."""

    steps: int
    learning_rate: float
    warmup: float
    weight_decay: float

    @classmethod
    def of(cls, steps: int, settings: Mapping[str, Any]) -> Schedule:
        """The schedule of a section of the config, for so many steps."""
        return cls(steps, settings["learning_rate"], settings["warmup"], settings["weight_decay"])

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        warm = max(1, math.ceil(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * (self.steps - step) / max(1, self.steps - warm)


@dataclass
class Evaluation:
    """A measurement during training.

    Attributes:
        at: steps after which it is made, counted from 1.
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
class TrainingResult:
    """What a training ends with.

    Attributes:
        curve: one row a log interval and a measurement.
        seconds: wall time, over all starts.
        cpu_seconds: over all starts; of the first process times their number, as they run in step.
        earlier_cpu_seconds: those of starts before the last.
        tokens: read, without padding.
        flops: floating-point operations, by the formulas of `flops`.
        held_out: losses on text that was never trained on, at the end, by language.
        computed: where and how, as `devices.describe` says.
        best: step and score of the best measurement, where one decides what is kept (during training also the weights).
    """

    curve: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    earlier_cpu_seconds: float = 0.0
    tokens: int = 0
    flops: float = 0.0
    held_out: dict[str, dict[str, float]] = field(default_factory=dict)
    computed: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] | None = None


def optimizer_for(model: nn.Module, schedule: Schedule) -> torch.optim.AdamW:
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
    batch_of: Callable[[int], Batch],
    schedule: Schedule,
    *,
    seed: int,
    device: torch.device,
    name: str,
    precision: str = "auto",
    checkpoints: CheckpointFolder | None = None,
    checkpoint_seconds: float = math.inf,
    log_intervals: int = 50,
    evaluation: Evaluation | None = None,
) -> TrainingResult:
    """Trains the parameters of `model` that require a gradient.

    Args:
        model: on `device`; ends with the weights of the last step, or of the best measurement.
        objective: named losses of a batch.
        batch_of: of the batch of a step the rows that this process takes, as tensors on the CPU; called ahead of time
            from another thread.
        schedule: steps and learning rate.
        seed: of everything random inside a step.
        device: where the model is.
        name: what the log calls the run.
        precision: of matrix products: auto, bf16 or fp32, as in the config.
        checkpoints: where the run is saved every `checkpoint_seconds` and when SIGTERM arrives.
        checkpoint_seconds: wall time between two checkpoints.
        log_intervals: rows of the curve.
        evaluation: a measurement on other data during training.

    Raises:
        TrainingError: losses or weights are not finite, as a row of the curve or a checkpoint shows; or the processes
            found checkpoints of different steps.
        Interrupted: after SIGTERM or SIGINT, once a checkpoint is written.
    """
    optimizer = optimizer_for(model, schedule)
    trained = {key: p for key, p in model.named_parameters() if p.requires_grad}
    run, first = TrainingResult(), 0
    sums: dict[str, Tensor] = {}
    interval = max(1, schedule.steps // log_intervals)

    with parallel.main_process_first():
        state = checkpoints.load() if checkpoints else None
    if state:
        with torch.no_grad():
            for key, parameter in trained.items():
                parameter.copy_(state["model"][key])
        optimizer.load_state_dict(state["optimizer"])
        run = TrainingResult(**state["run"])
        run.earlier_cpu_seconds = run.cpu_seconds
        first, sums = state["step"], {key: value.to(device) for key, value in state["sums"].items()}
        del state
    run.computed = describe(device, precision, is_compiled(model))
    if parallel.all_reduce_max(first, -first) != [first, -first]:
        raise TrainingError(f"{name}: the processes found checkpoints of different steps; is the disk shared by all?")

    def save(step: int) -> None:
        if checkpoints and parallel.rank() == 0:
            weights = {key: parameter.detach() for key, parameter in trained.items()}
            if not all(weight.isfinite().all() for weight in weights.values()):
                raise diverged(step, losses)
            state = {"step": step, "model": weights, "optimizer": optimizer.state_dict(), "sums": sums}
            checkpoints.save(step, state | {"run": vars(run) | spent()})

    def diverged(step: int, values: Mapping[str, Tensor | float]) -> TrainingError:
        rate = schedule.rate(step - 1)
        return TrainingError(
            f"{name}: losses or weights are not finite at step {step}: {_parts(values)}, learning rate {rate:.4g};"
            " lower the learning rate"
        )

    def spent() -> dict[str, Any]:
        return {
            "seconds": run.seconds + time.monotonic() - started,
            "cpu_seconds": run.cpu_seconds + (time.process_time() - cpu_started) * parallel.size(),
        }

    started = saved = said = time.monotonic()
    cpu_started = time.process_time()

    def fetch(step: int) -> Batch:
        return pinned(batch_of(step), device)

    with Termination() as termination, ThreadPoolExecutor(1, "batches") as ahead:
        upcoming = ahead.submit(fetch, first) if first < schedule.steps else None
        for step in range(first, schedule.steps):
            assert upcoming is not None
            batch = to_device(upcoming.result(), device)
            if step + 1 < schedule.steps:
                upcoming = ahead.submit(fetch, step + 1)
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step)
            torch.manual_seed(hash((seed, step, *([parallel.rank()] if parallel.rank() else []))))
            with autocast(device, precision):
                losses = objective(batch)
            losses["loss"].backward()
            losses = {key: value.detach() for key, value in losses.items()}
            gradients = [parameter.grad for parameter in trained.values() if parameter.grad is not None]
            parallel.all_reduce_sum([*gradients, *losses.values()])
            norm = nn.utils.clip_grad_norm_(trained.values(), LARGEST_GRADIENT_NORM)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            for key, value in {**losses, "gradient_norm": norm}.items():
                sums[key] = sums.get(key, 0) + value
            run.tokens += batch_tokens(batch)

            done = step + 1
            if done % interval == 0 or done == schedule.steps:
                means = _means(sums, interval if done % interval == 0 else done % interval)
                sums.clear()
                position: dict[str, Any] = {"step": done, "split": "train"}
                row = position | means | {"learning_rate": schedule.rate(step), "tokens": run.tokens}
                if not all(map(math.isfinite, means.values())):
                    raise diverged(done, means)
                run.curve.append(row)
                if time.monotonic() - said > SECONDS_BETWEEN_LINES or done == schedule.steps:
                    said = time.monotonic()
                    left = (said - started) / (done - first) * (schedule.steps - done)
                    share = 100 * done // schedule.steps
                    losses_now = _parts({key: means[key] for key in losses})
                    log.info(
                        "%s: step %d of %d (%d %%), %s, %.0f s left",
                        *(name, done, schedule.steps, share, losses_now, left),
                    )
            if evaluation and done in evaluation.at and (evaluation.shared or parallel.rank() == 0):
                _evaluate(model, trained, evaluation, run, done, name)
            stop, due = parallel.all_reduce_max(termination.signal, time.monotonic() - saved > checkpoint_seconds)
            if stop:
                save(done)
                sender = signal.Signals(stop).name
                log.warning(
                    "%s: stopped by %s at step %d of %d; the next start continues", name, sender, done, schedule.steps
                )
                raise Interrupted(128 + stop)
            if due and done < schedule.steps:
                save(done)
                saved = time.monotonic()
    if run.best:
        with torch.no_grad():
            for key, parameter in trained.items():
                parameter.copy_(run.best["weights"][key])
        del run.best["weights"]
    return replace(run, **spent())


def batch_tokens(batch: Batch) -> int:
    """Tokens of a batch that are not padding; batches count them themselves, on the CPU."""
    return int(batch["real_tokens"]) if "real_tokens" in batch else 0


def _means(sums: dict[str, Tensor], count: int) -> dict[str, float]:
    return {key: float(value) / count for key, value in sums.items()}


def _evaluate(
    model: nn.Module,
    trained: dict[str, nn.Parameter],
    evaluation: Evaluation,
    run: TrainingResult,
    step: int,
    name: str,
) -> None:
    was_training = model.training
    model.eval()
    with torch.no_grad():  # not inference_mode: compiled layers would be compiled once more for it
        scores = evaluation.measure()
    model.train(was_training)
    run.curve.append({"step": step, "split": evaluation.split, **scores})
    log.info("%s: %s at step %d: %s", name, evaluation.split, step, _parts(scores))
    if evaluation.keep_best and (run.best is None or scores[evaluation.keep_best] > run.best["score"]):
        weights = {key: parameter.detach().clone() for key, parameter in trained.items()}
        run.best = {"step": step, "score": scores[evaluation.keep_best], "weights": weights}


def _parts(values: Mapping[str, Tensor | float]) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in values.items())
