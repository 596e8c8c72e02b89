"""The loops that are measured, a process each: this library's own, those of its peers, and plain matrix products.

The peers train as the public re-implementation of LightMBERT does (AddedK/swedish-mbert-distillation): eager
attention, all hidden states and attention maps returned, AdamW as it comes over every parameter of the student,
embeddings included. Three things are kinder to them: no labels are given, so no masked-language-model loss is
computed; nothing is saved; and on a GPU all compute in the precision of this library, TextBrewer too, whose own mixed
precision needs NVIDIA's Apex.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM, BertModel, get_linear_schedule_with_warmup

from camembert.core.files import write_json
from camembert.models import encoder as encoders
from camembert.plan.chain import Shape
from camembert.plan.losses import Recipe
from camembert.runtime.devices import autocast
from camembert.runtime.parallel import TrainingSettings
from camembert.tokens.corpora import ID, Shard, TokenizedCorpus
from camembert.tokens.packing import PackedRows, TextBatches
from camembert.tokens.tokenizer import SpecialIds
from camembert.training.distillation import distillation_objective, freeze
from camembert.training.loop import Schedule
from camembert.training.loop import train as train_with_the_library
from turns import Finished, Player

STEPS = 10_000
"""Length of the learning-rate schedule; far more steps than are measured."""
LEARNING_RATE, WARMUP, WEIGHT_DECAY = 1e-4, 0.1, 0.01
BATCHES = 8
LANGUAGES, DOCUMENTS, SENTENCE = 4, 20_000, 25
"""Shards of translated sentences: how many, of how many documents, of how many tokens on average."""
FIRST_ID = 200
"""Ids below are of special tokens and such."""
RECIPE = Recipe("toplayer", {"hidden": 1.0, "attention": 1.0})
Batch = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One hop at one size: layers of teacher and student, width, and the rows of a step."""

    teacher: int
    student: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int
    batch: int
    row: int

    @property
    def tokens(self) -> int:
        """Tokens a step, all rows full."""
        return self.batch * self.row

    @property
    def shape(self) -> Shape:
        return Shape(self.hidden, self.intermediate, self.vocabulary)

    @property
    def flops(self) -> float:
        """FLOPs per token that the objective needs."""
        return self.shape.distillation_step(self.teacher, self.student, self.row)

    def __str__(self) -> str:
        rows = f"{self.batch} x {self.row} tokens"
        return f"{self.teacher} to {self.student} layers, {self.hidden} wide, vocabulary {self.vocabulary:,}, {rows}"


CASES = {
    "default": Case(6, 3, 128, 4, 512, 6_000, batch=64, row=32),
    "mbert": Case(12, 6, 768, 12, 3_072, 119_547, batch=8, row=128),
    "toy": Case(3, 2, 16, 2, 32, 500, batch=4, row=32),
}


def play(connection: Connection, loop: Callable[..., None], case: Case, device: str, threads: int) -> None:
    """Runs one loop until it has had its last turn.

    Args:
        connection: to the command.
        loop: takes the case, the device and the player.
        case: what is measured.
        device: cpu or cuda.
        threads: CPU threads to compute with.
    """
    logging.disable(logging.WARNING)
    torch.set_num_threads(threads)
    on_gpu = (torch.cuda.synchronize, torch.cuda.max_memory_allocated) if device == "cuda" else ()
    with suppress(Finished):
        loop(case, torch.device(device), Player(connection, *on_gpu))


def ceiling(case: Case, device: torch.device, player: Player) -> None:
    """Products of two matrices, of the size that is fastest of a few: what the arithmetic of a step is measured by."""
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    work = case.flops * case.tokens  # of a step, so that turns are as long as others'
    sizes = [(case.tokens, case.hidden, case.intermediate), *((n, n, n) for n in (1024, 2048, 8192) if n**3 <= work)]

    def multiply(m: int, k: int, n: int) -> Callable[[], int]:
        left, right = (torch.randn(shape, device=device, dtype=kind) for shape in ((m, k), (k, n)))
        repeats = max(1, int(work / (2 * m * k * n)))

        def products() -> int:
            for _ in range(repeats):
                left @ right
            return repeats * 2 * m * k * n

        return products

    def rate(products: Callable[[], int]) -> float:
        products()
        player.synchronize()
        began, flops = time.perf_counter(), products()
        player.synchronize()
        return flops / (time.perf_counter() - began)

    fastest = max((multiply(*size) for size in sizes), key=rate)
    while True:
        player.tick()
        player.done += fastest()


def random_rows(case: Case) -> list[PackedRows]:
    """Full rows of random tokens, one document each: the same for every contestant."""
    rng, shape = np.random.default_rng(1), (case.batch, case.row)
    zeros, position = np.zeros(shape, dtype=np.int64), np.broadcast_to(np.arange(case.row), shape).copy()
    return [PackedRows(rng.integers(5, case.vocabulary, shape), zeros, position, zeros) for _ in range(BATCHES)]


def teacher_of(case: Case) -> BertModel:
    """The teacher of all contestants."""
    return encoders.init_encoder(
        case.teacher, case.hidden, case.heads, case.intermediate, max(128, case.row), case.vocabulary, pad_id=0, seed=1
    )


def note_losses(player: Player, hidden: Tensor, attention: Tensor) -> None:
    """Keeps the losses of the first step, by which the contestants are held to compute the same."""
    player.losses = player.losses or {"hidden": hidden.item(), "attention": attention.item()}


def train(case: Case, batch_of: Callable[[int], Batch], device: torch.device, player: Player) -> None:
    """The library's own objective in its own loop, set up as `distillation.distill` does."""
    teacher = teacher_of(case).to(device)
    student = encoders.init_student(teacher, range(1, case.student + 1)).to(device)
    freeze(student, RECIPE)
    encoders.set_dropout(student, 0.0)
    student.train()
    objective = distillation_objective(RECIPE, student, teacher)
    if device.type == "cuda":
        encoders.compile_layers(teacher)
        encoders.compile_layers(student)

    def step(batch: Batch) -> dict[str, Tensor]:
        player.tick()
        player.done += batch["counted"]
        losses = objective(batch)
        note_losses(player, losses["hidden"], losses["attention"])
        return losses

    schedule = Schedule(STEPS, LEARNING_RATE, WARMUP, WEIGHT_DECAY)
    train_with_the_library(student, step, batch_of, schedule, TrainingSettings(device=device))


def on_rows(case: Case, device: torch.device, player: Player) -> None:
    """Trains on the rows that all contestants train on."""
    batches = [encoders.to_tensors(rows) | {"counted": case.tokens} for rows in random_rows(case)]
    train(case, lambda step: batches[step % BATCHES], device, player)


def on_packed_rows(case: Case, device: torch.device, player: Player, as_it_trains: bool = False) -> None:
    """Trains on rows of several documents, masked from each other, as nearly all rows of a training are.

    Args:
        case: what is measured.
        device: where.
        player: its turns.
        as_it_trains: whether rows are packed while it trains, as in the workflow, or a few batches beforehand.
    """
    with tempfile.TemporaryDirectory() as folder:
        shards = {f"{n}": write_random_shard(Path(folder) / f"{n}", case.vocabulary, n) for n in range(LANGUAGES)}
        special = SpecialIds(pad=0, cls=101, sep=102, mask=103, vocabulary=case.vocabulary)
        batches = TextBatches([TokenizedCorpus(shards)], special, case.batch, case.row, 1.0, seed=1)

        def batch_of(step: int) -> Batch:
            rows = batches.batch(step)
            return encoders.to_tensors(rows) | {"counted": int(rows.real.sum())}

        few = [] if as_it_trains else [batch_of(step) for step in range(BATCHES)]
        train(case, batch_of if as_it_trains else lambda step: few[step % BATCHES], device, player)


def write_random_shard(folder: Path, vocabulary: int, seed: int) -> Shard:
    """Writes translated sentences of random ids, whose lengths are exponentially distributed."""
    rng = np.random.default_rng(seed)
    lengths = 1 + rng.exponential(SENTENCE - 1, DOCUMENTS).astype(np.int64)
    folder.mkdir(parents=True)
    rng.integers(FIRST_ID, vocabulary, lengths.sum()).astype(ID).tofile(folder / "tokens.bin")
    np.save(folder / "offsets.npy", np.concatenate([[0], lengths.cumsum()]))
    write_json(folder / "shard.json", {"documents": DOCUMENTS, "tokens": int(lengths.sum()), "parallel": True})
    return Shard(folder)


def peers_of(case: Case, heads: bool, device: torch.device) -> tuple[nn.Module, nn.Module, list[Batch]]:
    """Teacher and student that return everything, without dropout, and rows as they take them.

    Args:
        case: their sizes.
        heads: BertForMaskedLM instead of BertModel.
        device: where they compute.
    """
    base = teacher_of(case)
    weights, models = base.state_dict(), []
    changes = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    changes |= {"output_hidden_states": True, "output_attentions": True}
    for layers in (case.teacher, case.student):
        config = BertConfig.from_dict(base.config.to_dict() | changes | {"num_hidden_layers": layers})
        config._attn_implementation = "eager"
        model = (BertForMaskedLM if heads else BertModel)(config)
        encoder = model.bert if heads else model
        own = encoder.state_dict()
        encoder.load_state_dict({key: weight for key, weight in weights.items() if key in own}, strict=True)
        models.append(in_precision(model.to(device), device))
    ids = [torch.from_numpy(rows.token) for rows in random_rows(case)]
    return models[0].eval(), models[1].train(), [{"input_ids": x, "attention_mask": torch.ones_like(x)} for x in ids]


def in_precision(model: nn.Module, device: torch.device) -> nn.Module:
    """A model whose forward passes compute in the precision that this library trains in on the device."""
    forward = model.forward

    @wraps(forward)  # TextBrewer looks at its arguments
    def in_autocast(*inputs: Any, **named: Any) -> Any:
        with autocast(device):
            return forward(*inputs, **named)

    model.forward = in_autocast  # type: ignore[method-assign]
    return model


def optimizer_of(student: nn.Module) -> torch.optim.Optimizer:
    """AdamW as it comes."""
    return torch.optim.AdamW([p for p in student.parameters() if p.requires_grad], lr=LEARNING_RATE)


def plain(case: Case, device: torch.device, player: Player) -> None:
    """A training loop as one writes it by hand."""
    teacher, student, batches = peers_of(case, heads=True, device=device)
    optimizer = optimizer_of(student)
    scheduler = get_linear_schedule_with_warmup(optimizer, int(WARMUP * STEPS), STEPS)
    for step in range(STEPS):
        player.tick()
        player.done += case.tokens
        batch = {key: tensor.to(device) for key, tensor in batches[step % BATCHES].items()}
        with torch.no_grad():
            taught = teacher(**batch)
        learnt = student(**batch)
        hidden = nn.functional.mse_loss(learnt.hidden_states[-1].float(), taught.hidden_states[-1].float())
        attention = nn.functional.mse_loss(learnt.attentions[-1].float(), taught.attentions[-1].float())
        note_losses(player, hidden, attention)
        (hidden + attention).backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()


class TickingBatches:
    """Batches over and over, with a tick before each: what TextBrewer takes for a data loader."""

    def __init__(self, batches: list[Batch], player: Player, tokens: int) -> None:
        self.batches, self.player, self.tokens = batches, player, tokens

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator[Batch]:
        for batch in cycle(self.batches):
            self.player.tick()
            self.player.done += self.tokens
            yield batch


def textbrewer(case: Case, device: torch.device, player: Player, heads: bool, frozen: bool) -> None:
    """TextBrewer's GeneralDistiller, set up as the public re-implementation does, but matching the top layers.

    That re-implementation indexes the hidden states, where 0 is the embeddings, one too low.

    Args:
        case: what is measured.
        device: where.
        player: its turns.
        heads: whether the models have heads.
        frozen: whether the embeddings are.
    """
    from textbrewer import DistillationConfig, GeneralDistiller, TrainingConfig

    class Distiller(GeneralDistiller):
        def compute_loss(self, results_S: dict, results_T: dict) -> tuple[Tensor, dict[str, Tensor]]:
            total, parts = super().compute_loss(results_S, results_T)
            note_losses(player, *(value for name, value in parts.items()))
            return total, parts

        def save_and_callback(self, *_: object) -> None:
            """Saving is not measured."""

    def adaptor(batch: Batch, outputs: Any) -> dict[str, Any]:
        read = {"hidden": outputs.hidden_states, "attention": outputs.attentions}
        return read | {"inputs_mask": batch["attention_mask"]}

    teacher, student, batches = peers_of(case, heads, device)
    if frozen:
        student.embeddings.requires_grad_(False)
    matches = [
        {"layer_T": top + case.teacher, "layer_S": top + case.student, "feature": feature, "loss": loss, "weight": 1}
        for feature, loss, top in (("hidden", "hidden_mse", 0), ("attention", "attention_mse", -1))
    ]
    settings = DistillationConfig(kd_loss_weight=0, hard_label_weight=0, intermediate_matches=matches)
    with tempfile.TemporaryDirectory() as folder:
        where = TrainingConfig(device=device, output_dir=folder, log_dir=None)
        distiller = Distiller(where, settings, teacher, student, adaptor, adaptor)
        with distiller:
            distiller.train(
                optimizer_of(student),
                TickingBatches(batches, player, case.tokens),
                num_epochs=1,
                scheduler_class=get_linear_schedule_with_warmup,
                scheduler_args={"num_warmup_steps": int(WARMUP * STEPS), "num_training_steps": STEPS},
            )
