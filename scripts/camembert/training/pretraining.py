"""Pre-training on packed text: masked language modelling (Devlin et al. 2019), on parallel text of pairs of
translations (XLM, Lample and Conneau 2019), and a sentence-level objective that trains [CLS] and the pooler."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from camembert.core.files import CONFIG, TOKENIZER, check_new
from camembert.core.provenance import hash_code, hash_file
from camembert.models import encoder as encoders
from camembert.models.encoder import Encoder, compile_layers
from camembert.plan.losses import Batch
from camembert.runtime import parallel
from camembert.runtime.parallel import TrainingSettings
from camembert.tokens.tokenizer import SpecialIds
from camembert.training.loop import Objective, Schedule, TrainingResult
from camembert.training.packed_text import TrainingText, take_masked, train_on_text


class MaskedLanguageModel(nn.Module):
    """An encoder and a masked-language-model head that shares its word embeddings."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = encoders.init_mlm_head(encoder)


def pretraining_objective(model: MaskedLanguageModel, bag_of_words: float) -> Objective:
    """Cross-entropy of the masked tokens, and of every document's words as its pooled [CLS] predicts them.

    The second part is a sentence-level objective, a bag of words as in RetroMAE-2 (Liu et al. 2023, arXiv 2305.02564),
    though there the other tokens predict it: one distribution over the vocabulary a document, by the head of masked
    language modelling on the pooler's output, scored on all words of the document, masked ones included. A pair of
    translations has the words of both, so the pooled [CLS] is asked what a text says in either language. Without this
    part no objective reaches the pooler, which stays the identity that it starts as.

    Args:
        model: encoder and head.
        bag_of_words: weight of the second part; 0 leaves it out.
    """

    def objective(batch: Batch) -> dict[str, Tensor]:
        top = encoders.run_encoder(model.encoder, batch)[-1]
        logits, target = model.head(take_masked(top, batch)).float(), take_masked(batch["target"], batch)
        masked_lm = functional.cross_entropy(logits, target, reduction="sum") / batch["targets"]
        if not bag_of_words:
            return {"loss": masked_lm, "masked_lm": masked_lm}
        pooled = model.encoder.pooler(top.flatten(0, 1).index_select(0, batch["first"])[:, None])
        predicted = model.head(pooled).float().log_softmax(-1)
        words = -predicted[batch["word_document"], batch["word"]].sum() / batch["words"]
        return {"loss": masked_lm + bag_of_words * words, "masked_lm": masked_lm, "bag_of_words": words}

    return objective


def pretrain(
    tokenizer_folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    layers: int,
    architecture: Mapping[str, int],
    text: TrainingText,
    schedule: Schedule,
    mlm_probability: float,
    bag_of_words: float = 0.0,
    dropout: float = 0.0,
    like: str | os.PathLike[str] | None = None,
    settings: TrainingSettings = TrainingSettings(),
) -> TrainingResult:
    """Makes an encoder from random weights and pre-trains it; 0 steps leave it random.

    Args:
        tokenizer_folder: its files are copied beside the encoder.
        output: folder of the encoder and of its masked-language-model head.
        layers: transformer layers.
        architecture: hidden_size, num_attention_heads, intermediate_size, max_length.
        text: what is read.
        schedule: steps and learning rate.
        mlm_probability: share of the tokens to be predicted.
        bag_of_words: weight of the sentence-level objective; 0 leaves the pooler the identity that it starts as.
        dropout: in the encoder.
        like: a given teacher's folder, whose architecture the encoder has; None makes a BERT of these sizes.
        settings: seed, that of the initial weights too, device, checkpoints.

    Raises:
        FileExistsError: the output is there already.
    """
    check_new(output)
    special, seed = SpecialIds.read(tokenizer_folder), settings.seed
    if like is not None:
        encoder = encoders.init_encoder_like(like, layers, special.pad, seed)
    else:
        encoder = encoders.init_encoder(
            layers, **architecture, vocab_size=special.vocabulary, pad_id=special.pad, seed=seed
        )
    model = MaskedLanguageModel(encoder.to(settings.device))
    encoders.set_dropout(encoder, dropout)
    encoder.pooler.requires_grad_(bag_of_words > 0)
    run = TrainingResult()
    if schedule.steps:
        if settings.device.type == "cuda":
            compile_layers(encoder)
        run = train_on_text(
            model,
            pretraining_objective(model, bag_of_words),
            text.batches(special, seed),
            mlm_probability,
            schedule,
            settings,
            tokenizer=hash_file(Path(tokenizer_folder) / TOKENIZER),
            encoder=[layers, dict(architecture), dropout, bag_of_words],
            like=like and hash_file(Path(like) / CONFIG),
            code=hash_code(sys.modules[__name__]),
        )
        flops_of_token = encoders.read_shape(encoder).pretraining_step(layers, text.sequence_length, mlm_probability)
        run = replace(run, flops=schedule.steps * text.tokens * flops_of_token)
    if parallel.rank() == 0:
        encoders.save_model(encoder, output, tokenizer_folder, model.head.state_dict())
    return run
