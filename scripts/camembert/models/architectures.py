"""What sets the supported architectures apart: BERT, and RoBERTa with its kin (XLM-R, CamemBERT).

Their layers are the same, and so are the names of embeddings, layers and pooler. They differ in where positions begin,
in the masked-language-model head and in what a classifier reads the first token through; nothing else may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, MODEL_MAPPING
from transformers.models.bert.modeling_bert import BertOnlyMLMHead
from transformers.models.roberta.modeling_roberta import RobertaLMHead

from camembert.plan.teachers import POSITIONS_AFTER_PADDING, first_position, longest_input

Encoder: TypeAlias = PreTrainedModel
"""An encoder of a supported architecture: `embeddings`, `encoder.layer` and `pooler`."""
Classifier: TypeAlias = PreTrainedModel
"""An encoder, `base_model`, under a classification head."""


@dataclass(frozen=True)
class Architecture:
    """A family of models with BERT's layers.

    Attributes:
        mlm_head: makes its masked-language-model head from a config, random and not tied to an encoder.
        mlm_head_name: of that head inside the library's masked language model.
        mlm_output: of the head, the module with the output bias `bias` and the matrix `decoder`.
        mlm_dense: of that module, the dense layer below them.
        own_pooling: whether a classifier reads the first token through a dense layer of its own, which then starts as
            the encoder's pooler (the same computation); else through the pooler itself.
    """

    mlm_head: Callable[[PretrainedConfig], nn.Module]
    mlm_head_name: str
    mlm_output: Callable[[Any], Any]
    mlm_dense: Callable[[Any], nn.Linear]
    own_pooling: bool

    def tied_mlm_head(self, encoder: Encoder) -> Any:
        """A random head whose output matrix is the encoder's word embeddings and whose output bias is 0."""
        head = self.mlm_head(encoder.config)
        output = self.mlm_output(head)
        encoder._init_weights(self.mlm_dense(output))
        head.to(encoder.device)
        output.decoder.weight = encoder.embeddings.word_embeddings.weight
        output.decoder.bias = output.bias
        return head

    def pooling(self, classifier: Classifier) -> nn.Linear:
        """The dense layer that a classifier reads the first token's top state through, before its tanh."""
        return classifier.classifier.dense if self.own_pooling else classifier.base_model.pooler.dense

    def take_encoder(self, classifier: Classifier, weights: Mapping[str, Tensor]) -> None:
        """Loads an encoder's weights, pooler included, into a classifier."""
        if not self.own_pooling:
            classifier.base_model.load_state_dict(weights, strict=True)
            return
        pooler = {name: weight for name, weight in weights.items() if name.startswith("pooler.")}
        rest = {name: weight for name, weight in weights.items() if name not in pooler}
        classifier.base_model.load_state_dict(rest, strict=True)
        dense = {name.removeprefix("pooler.dense."): weight for name, weight in pooler.items()}
        self.pooling(classifier).load_state_dict(dense, strict=True)


BERT = Architecture(
    mlm_head=BertOnlyMLMHead,
    mlm_head_name="cls",
    mlm_output=lambda head: head.predictions,
    mlm_dense=lambda output: output.transform.dense,
    own_pooling=False,
)
ROBERTA = Architecture(
    mlm_head=RobertaLMHead,
    mlm_head_name="lm_head",
    mlm_output=lambda head: head,
    mlm_dense=lambda output: output.dense,
    own_pooling=True,
)
ARCHITECTURES = {kind: ROBERTA if after_padding else BERT for kind, after_padding in POSITIONS_AFTER_PADDING.items()}
"""By the `model_type` of a config."""


def architecture_of(model: PreTrainedModel) -> Architecture:
    """The family of an encoder or a classifier."""
    return ARCHITECTURES[model.config.model_type]


def positions_from(encoder: Encoder) -> int:
    """The number of a text's first position in the encoder's table of position embeddings."""
    return first_position(vars(encoder.config) | {"model_type": encoder.config.model_type})


def longest_input_of(encoder: Encoder) -> int:
    """The longest input of an encoder in tokens."""
    return longest_input(vars(encoder.config) | {"model_type": encoder.config.model_type})


def new_encoder(config: PretrainedConfig) -> Any:
    """An encoder with random weights, pooler included, and sdpa attention."""
    config._attn_implementation = "sdpa"
    return MODEL_MAPPING[type(config)](config)


def new_classifier(config: PretrainedConfig) -> Any:
    """A classifier with random weights and sdpa attention."""
    config._attn_implementation = "sdpa"
    return MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)](config)
