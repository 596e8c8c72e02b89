"""Encoders: cut from another, run packed, saved and loaded."""

import numpy as np
import pytest
import torch
from students import bottom_layers

from camembert.models.classifier import init_classifier
from camembert.models.encoder import (
    EncoderError,
    attention_mask,
    compute_relation,
    init_encoder,
    init_mlm_head,
    init_student,
    load_encoder,
    same_document,
    save_model,
    set_dropout,
    to_tensors,
)
from camembert.tokens.packing import PackedRows

NLI = ["entailment", "neutral", "contradiction"]


def same_weights(one, other) -> bool:
    """Whether two state dicts hold the same bits under the same names."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


# --- cutting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "copied"), [(4, [1, 2]), (12, list(range(1, 11))), (3, [1]), (5, [1, 2, 3]), (5, [2, 4, 5])]
)
def test_a_student_is_exactly_some_layers_of_its_teacher_its_embeddings_and_its_pooler(make_encoder, layers, copied):
    teacher = make_encoder(layers)
    student = init_student(teacher, copied)
    for ours, theirs in zip(student.encoder.layer, copied, strict=True):
        assert same_weights(ours.state_dict(), teacher.encoder.layer[theirs - 1].state_dict())
    for part in ("embeddings", "pooler"):
        assert same_weights(getattr(student, part).state_dict(), getattr(teacher, part).state_dict())
    assert student.config.num_hidden_layers == len(copied)
    assert student.config._attn_implementation == "sdpa"


def test_training_a_student_leaves_its_teacher_as_it_is(make_encoder):
    teacher = make_encoder(3)
    before = {name: weight.clone() for name, weight in teacher.state_dict().items()}
    student = bottom_layers(teacher, 2)
    optimizer = torch.optim.SGD(student.parameters(), lr=1.0)
    student(torch.arange(10, 20)[None]).pooler_output.square().sum().backward()
    optimizer.step()
    assert not torch.equal(student.embeddings.LayerNorm.weight, teacher.embeddings.LayerNorm.weight)
    assert same_weights(teacher.state_dict(), before)
    assert teacher.config.num_hidden_layers == 3


@pytest.mark.parametrize("layers", [3, 4])
def test_a_student_must_be_smaller_than_its_teacher(make_encoder, layers):
    with pytest.raises(EncoderError, match=f"student of {layers} layers cannot be made from 3"):
        bottom_layers(make_encoder(3), layers)


def test_the_seed_decides_random_weights():
    sizes = {
        "layers": 1,
        "hidden_size": 8,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "max_length": 8,
        "vocab_size": 10,
        "pad_id": 0,
    }
    one, again, other = (init_encoder(**sizes, seed=seed).state_dict() for seed in (1, 1, 2))
    assert same_weights(one, again)
    assert not same_weights(one, other)


def test_without_dropout_a_training_model_computes_what_it_predicts(make_encoder):
    encoder, token = make_encoder(2), torch.arange(10, 20)[None]
    with torch.no_grad():
        expected = encoder(token).last_hidden_state
        encoder.train()
        set_dropout(encoder, 0.5)
        assert not torch.allclose(encoder(token).last_hidden_state, expected, atol=1e-3)
        set_dropout(encoder, 0.0)
        assert torch.equal(encoder(token).last_hidden_state, expected)


def test_dropout_that_an_older_transformers_keeps_as_a_number_is_set_too(make_encoder):
    encoder = make_encoder(1)
    attention = encoder.encoder.layer[0].attention.self
    attention.dropout_prob = 0.1
    set_dropout(encoder, 0.0)
    assert attention.dropout_prob == 0.0


# --- running --------------------------------------------------------------------------------------------------


def test_a_token_attends_to_its_own_document_and_padding_to_padding():
    mask = same_document(torch.tensor([[0, 0, 1, -1], [0, 0, 0, 0]]))
    assert mask.shape == (2, 1, 4, 4)
    assert mask[0, 0].int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert mask[1].all()


def batch_with_documents(documents: list[list[int]]) -> dict:
    array = np.array(documents)
    return to_tensors(PackedRows(*(np.zeros_like(array) for _ in range(3)), array))


def test_rows_that_are_one_whole_document_need_no_mask():
    whole = batch_with_documents([[0, 0, 0], [0, 0, 0]])
    assert whole["one_document"]
    assert attention_mask(whole) is None
    for documents in ([[0, 0, -1]], [[0, 0, 1]]):
        assert attention_mask(batch_with_documents(documents)).sum() == 5


def test_a_batch_counts_its_tokens_and_pairs():
    batch = batch_with_documents([[0, 0, 1, -1], [0, 0, 0, 0], [0, 1, 2, 3]])
    assert batch["real_tokens"] == 3 + 4 + 4
    assert batch["pairs"] == (4 + 1) + 16 + 4
    assert not batch["one_document"]


@pytest.mark.parametrize("packed", [True, False])
def test_attention_maps_are_float32_under_autocast(make_encoder, packed):
    """Query and key are bfloat16 there; their products and the softmax are those of double precision to 1e-6.

    Products in bfloat16 would be off by more than 1e-3, which the test makes sure of.
    """
    encoder, layer_input = make_encoder(1), torch.randn(4, 32, 16, generator=torch.Generator().manual_seed(0))
    attention = encoder.encoder.layer[0].attention.self
    mask = same_document(torch.arange(32).div(10, rounding_mode="floor").expand(4, -1)) if packed else None
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        attention.query.weight *= 4
        ours = compute_relation(encoder, 1, layer_input, mask).softmax(-1)
        query, key = (part(layer_input).view(4, 32, 2, 8).transpose(1, 2) for part in (attention.query, attention.key))
        in_bfloat16 = query @ key.transpose(-1, -2) / 8**0.5
    assert {query.dtype, key.dtype, in_bfloat16.dtype} == {torch.bfloat16}
    scores = query.double() @ key.double().transpose(-1, -2) / 8**0.5
    assert scores.abs().max() > 8

    def map_of(scores):
        return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-1)

    assert ours.dtype == torch.float32
    assert (ours - map_of(scores)).abs().max() < 1e-6
    assert (map_of(in_bfloat16.double()) - map_of(scores)).abs().max() > 1e-3


# --- files ----------------------------------------------------------------------------------------------------


def test_model_folders_hold_weights_as_safetensors_only(teacher_folder, tmp_path):
    save_model(init_classifier(teacher_folder, NLI, 0.1, 1), tmp_path / "classifier", teacher_folder)
    common = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in teacher_folder.iterdir()} == common | {"mlm_head.safetensors"}
    assert {path.name for path in (tmp_path / "classifier").iterdir()} == common


def test_a_classifier_starts_from_its_encoder_and_a_head_that_its_seed_decides(teacher_folder):
    one, again, other = (init_classifier(teacher_folder, NLI, dropout=0.3, seed=seed) for seed in (1, 1, 2))
    assert same_weights(one.bert.state_dict(), load_encoder(teacher_folder).state_dict())
    assert same_weights(one.state_dict(), again.state_dict())
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert {module.p for module in one.modules() if isinstance(module, torch.nn.Dropout)} == {0.3}


def test_a_head_is_on_the_device_of_its_encoder(make_encoder):
    head = init_mlm_head(make_encoder(1).to("meta"))
    assert {parameter.device.type for parameter in head.parameters()} == {"meta"}
