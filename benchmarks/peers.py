"""The same distillation step as others do it.

The peers train as the public re-implementation of LightMBERT does (AddedK/swedish-mbert-distillation): eager
attention, all hidden states and attention maps returned, AdamW as it comes over every parameter of the student,
embeddings included. Three things are kinder to them: no labels are given, so no masked-language-model loss is
computed; nothing is saved; and on a GPU all compute in the precision of this library, TextBrewer too, whose own mixed
precision needs NVIDIA's Apex.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM, BertModel, get_linear_schedule_with_warmup

from camembert.runtime.devices import autocast
from camembert.tokens.packing import PackedRows
from cases import Case
from common import BATCHES, LEARNING_RATE, STEPS, WARMUP, Batch, note_losses, random_rows, teacher_of
from turns import Player


def peer_models(case: Case, heads: bool, device: torch.device) -> tuple[nn.Module, nn.Module]:
    """Teacher and student that return everything, without dropout.

    Args:
        case: their sizes.
        heads: BertForMaskedLM instead of BertModel.
        device: where they compute.
    """
    weights = teacher_of(case).state_dict()
    models = []
    for layers in (case.teacher, case.student):
        config = BertConfig(
            vocab_size=case.vocabulary,
            hidden_size=case.hidden,
            num_hidden_layers=layers,
            num_attention_heads=case.heads,
            intermediate_size=case.intermediate,
            max_position_embeddings=max(128, case.row),
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            output_hidden_states=True,
            output_attentions=True,
            attn_implementation="eager",
        )
        model = (BertForMaskedLM if heads else BertModel)(config)
        encoder = model.bert if heads else model
        own = encoder.state_dict()
        encoder.load_state_dict({key: weight for key, weight in weights.items() if key in own}, strict=True)
        models.append(in_precision(model.to(device), device))
    teacher, student = models
    return teacher.eval(), student.train()


def in_precision(model: nn.Module, device: torch.device) -> nn.Module:
    """A model whose forward passes compute in the precision that this library trains in on the device."""
    forward = model.forward

    @functools.wraps(forward)  # TextBrewer looks at its arguments
    def in_autocast(*inputs: Any, **named: Any) -> Any:
        with autocast(device):
            return forward(*inputs, **named)

    model.forward = in_autocast  # type: ignore[method-assign]
    return model


def peer_batches(rows: Iterable[PackedRows]) -> list[Batch]:
    """Rows as the inputs that a Hugging Face model takes."""
    return [
        {"input_ids": torch.from_numpy(row.token), "attention_mask": torch.from_numpy(row.real.astype(np.int64))}
        for row in rows
    ]


def optimizer_of(student: nn.Module) -> tuple[torch.optim.Optimizer, Any]:
    """AdamW as it comes, with linear warm-up and decay."""
    optimizer = torch.optim.AdamW([p for p in student.parameters() if p.requires_grad], lr=LEARNING_RATE)
    return optimizer, get_linear_schedule_with_warmup(optimizer, int(WARMUP * STEPS), STEPS)


def plain(case: Case, device: torch.device, player: Player) -> None:
    """A training loop as one writes it by hand."""
    teacher, student = peer_models(case, heads=True, device=device)
    optimizer, scheduler = optimizer_of(student)
    batches = peer_batches(random_rows(case))
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

    def __init__(self, batches: Sequence[Batch], player: Player, tokens: int) -> None:
        self.batches, self.player, self.tokens = batches, player, tokens

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator[Batch]:
        for batch in cycle(self.batches):
            self.player.tick()
            self.player.done += self.tokens
            yield batch


def textbrewer(heads: bool, frozen: bool) -> Callable[[Case, torch.device, Player], None]:
    """The loop of `distil_with_textbrewer` with or without heads and trained embeddings."""
    return functools.partial(distil_with_textbrewer, heads=heads, frozen=frozen)


def distil_with_textbrewer(case: Case, device: torch.device, player: Player, heads: bool, frozen: bool) -> None:
    """TextBrewer's GeneralDistiller, set up as the public re-implementation does, but matching the top layers.

    That re-implementation indexes the hidden states, where 0 is the embeddings, one too low.
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
        return {
            "hidden": outputs.hidden_states,
            "attention": outputs.attentions,
            "inputs_mask": batch["attention_mask"],
        }

    teacher, student = peer_models(case, heads, device)
    if frozen:
        student.embeddings.requires_grad_(False)
    matches = [
        {"layer_T": top + case.teacher, "layer_S": top + case.student, "feature": feature, "loss": loss, "weight": 1}
        for feature, loss, top in (("hidden", "hidden_mse", 0), ("attention", "attention_mse", -1))
    ]
    optimizer, _ = optimizer_of(student)
    with tempfile.TemporaryDirectory() as folder:
        distiller = Distiller(
            TrainingConfig(device=device, output_dir=folder, log_dir=None),
            DistillationConfig(kd_loss_weight=0, hard_label_weight=0, intermediate_matches=matches),
            teacher,
            student,
            adaptor,
            adaptor,
        )
        with distiller:
            distiller.train(
                optimizer,
                TickingBatches(peer_batches(random_rows(case)), player, case.tokens),
                num_epochs=1,
                scheduler_class=get_linear_schedule_with_warmup,
                scheduler_args={"num_warmup_steps": int(WARMUP * STEPS), "num_training_steps": STEPS},
            )
