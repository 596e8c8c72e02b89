"""Encoders: cut from another, run packed, saved and loaded."""

import copy
import json
import logging
import socket
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from students import bottom_layers
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, BertForMaskedLM, BertModel

from camembert.models.classifier import classifier_from, load_classifier, save_classifier
from camembert.models.encoder import (
    EncoderError,
    attention_mask,
    embed,
    init_student,
    load_encoder,
    load_mlm_head,
    random_encoder,
    random_mlm_head,
    relation,
    run_layers,
    same_document,
    save_encoder,
    set_dropout,
    tensors_of,
)
from camembert.tokens.packing import PackedRows

NLI = ["entailment", "neutral", "contradiction"]


def same_weights(one, other) -> bool:
    """Whether two state dicts hold the same bits under the same names."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


# --- cutting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "kept"), [(4, [1, 2]), (12, list(range(1, 11))), (3, [1]), (5, [1, 2, 3]), (5, [2, 4, 5])]
)
def test_a_student_is_exactly_some_layers_of_its_teacher_its_embeddings_and_its_pooler(make_encoder, layers, kept):
    teacher = make_encoder(layers)
    student = init_student(teacher, kept)
    for ours, theirs in zip(student.encoder.layer, kept, strict=True):
        assert same_weights(ours.state_dict(), teacher.encoder.layer[theirs - 1].state_dict())
    for part in ("embeddings", "pooler"):
        assert same_weights(getattr(student, part).state_dict(), getattr(teacher, part).state_dict())
    assert student.config.num_hidden_layers == len(kept)
    assert student.config._attn_implementation == "sdpa"


def test_a_student_gives_the_hidden_states_of_its_teacher(make_encoder):
    teacher = make_encoder(5)
    token = torch.arange(10, 30).view(2, 10)
    with torch.no_grad():
        expected = teacher(token, output_hidden_states=True).hidden_states[3]
        torch.testing.assert_close(bottom_layers(teacher, 3).eval()(token).last_hidden_state, expected)


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
        "num_hidden_layers": 1,
        "hidden_size": 8,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "max_length": 8,
        "vocab_size": 10,
        "pad_id": 0,
    }
    one, again, other = (random_encoder(**sizes, seed=seed).state_dict() for seed in (1, 1, 2))
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

DOCUMENTS = [[2, 11, 12, 13, 3], [2, 30, 31, 3, 40, 41, 42, 43, 3], [2, 50, 51, 52, 53, 54, 3]]


def inputs_of(rows: list[list[list[int]]], tokens: int) -> tuple[torch.Tensor, ...]:
    """Token, segment, position and document of rows of documents: (rows, tokens) each."""
    token, segment, position = (np.zeros((len(rows), tokens), dtype=np.int64) for _ in range(3))
    document = np.full((len(rows), tokens), -1)
    for row, documents in enumerate(rows):
        start = 0
        for number, ids in enumerate(documents):
            end = start + len(ids)
            token[row, start:end], document[row, start:end] = ids, number
            position[row, start:end] = np.arange(len(ids))
            segment[row, start + len(ids) // 2 : end] = 1
            start = end
    return tuple(map(torch.from_numpy, (token, segment, position, document)))


def hidden_states(encoder, rows: list[list[list[int]]], tokens: int) -> list[torch.Tensor]:
    """Outputs of all layers of each document, in order: (layers + 1, its tokens, hidden) each."""
    token, segment, position, document = inputs_of(rows, tokens)
    with torch.no_grad():
        layers = run_layers(encoder, embed(encoder, token, segment, position), same_document(document))
    stacked = torch.stack(layers)
    return [stacked[:, row, document[row] == n] for row, documents in enumerate(rows) for n in range(len(documents))]


def test_a_document_gives_the_same_hidden_states_packed_padded_and_alone(make_encoder):
    encoder = make_encoder(3)
    alone = [hidden_states(encoder, [[ids]], len(ids))[0] for ids in DOCUMENTS]
    packed = hidden_states(encoder, [DOCUMENTS], 24)
    packed_in_two_rows = hidden_states(encoder, [DOCUMENTS[:2], DOCUMENTS[2:]], 16)
    padded = hidden_states(encoder, [[ids] for ids in DOCUMENTS], 12)
    for i, expected in enumerate(alone):
        for result in (packed, packed_in_two_rows, padded):
            torch.testing.assert_close(result[i], expected, atol=1e-5, rtol=1e-5)


def test_layer_by_layer_is_what_the_library_computes(make_encoder):
    encoder = make_encoder(3)
    token, segment, _, document = inputs_of([[ids] for ids in DOCUMENTS], 12)
    with torch.no_grad():
        expected = encoder(
            token, token_type_ids=segment, attention_mask=(document >= 0).long(), output_hidden_states=True
        )
    ours = hidden_states(encoder, [[ids] for ids in DOCUMENTS], 12)
    for i, ids in enumerate(DOCUMENTS):
        library = torch.stack([layer[i, : len(ids)] for layer in expected.hidden_states])
        torch.testing.assert_close(ours[i], library, atol=1e-5, rtol=1e-5)


def test_a_token_attends_to_its_own_document_and_padding_to_padding():
    mask = same_document(torch.tensor([[0, 0, 1, -1], [0, 0, 0, 0]]))
    assert mask.shape == (2, 1, 4, 4)
    assert mask[0, 0].int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert mask[1].all()


def batch_with_documents(documents: list[list[int]]) -> dict:
    array = np.array(documents)
    return tensors_of(PackedRows(*(np.zeros_like(array) for _ in range(3)), array))


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


@pytest.mark.parametrize("rows", [[[list(range(5, 17))], [list(range(20, 32))]], [[ids] for ids in DOCUMENTS]])
def test_the_attention_map_is_the_library_s(make_encoder, rows):
    """Whole rows first, then padded ones, where the rows of real tokens are compared."""
    encoder = make_encoder(3)
    eager = BertModel._from_config(copy.deepcopy(encoder.config), attn_implementation="eager").eval()
    eager.load_state_dict(encoder.state_dict())
    token, segment, position, document = inputs_of(rows, 12)
    real = document >= 0
    with torch.no_grad():
        expected = eager(token, token_type_ids=segment, attention_mask=real.long(), output_attentions=True).attentions
        mask = same_document(document)
        layers = run_layers(encoder, embed(encoder, token, segment, position), mask)
        for layer in (1, 2, 3):
            ours = relation(encoder, layer, layers[layer - 1], mask).softmax(-1).transpose(1, 2)[real]
            torch.testing.assert_close(ours, expected[layer - 1].transpose(1, 2)[real], atol=1e-5, rtol=1e-4)
            assert ours.max() > 0.5, "a uniform map would compare nothing"


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
        ours = relation(encoder, 1, layer_input, mask).softmax(-1)
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


@pytest.fixture
def offline_and_silent(monkeypatch, caplog):
    """Refuses the network, and any warning of Python's or of the libraries' logs, while a test runs."""

    def refuse(*_):
        raise AssertionError("something reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    library = logging.getLogger("transformers")
    library.addHandler(caplog.handler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    library.removeHandler(caplog.handler)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.usefixtures("offline_and_silent")
def test_a_saved_encoder_loads_offline_without_a_word_and_bit_for_bit(make_encoder, tokenizer_folder, tmp_path, capfd):
    encoder = bottom_layers(make_encoder(3), 2)
    save_encoder(encoder, tmp_path / "2", tokenizer_folder)
    for loaded in (AutoModel.from_pretrained(tmp_path / "2"), load_encoder(tmp_path / "2")):
        assert type(loaded) is BertModel
        assert same_weights(loaded.state_dict(), encoder.state_dict())
        assert loaded.config.num_hidden_layers == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("offline_and_silent")
def test_a_saved_classifier_loads_offline_without_a_word_and_bit_for_bit(teacher_folder, tmp_path, capfd):
    classifier = classifier_from(teacher_folder, NLI, dropout=0.1, seed=1)
    save_classifier(classifier, tmp_path / "classifier", teacher_folder)
    library = AutoModelForSequenceClassification.from_pretrained(tmp_path / "classifier")
    for loaded in (library, load_classifier(tmp_path / "classifier")):
        assert same_weights(loaded.state_dict(), classifier.state_dict())
        assert loaded.config.id2label == {0: "entailment", 1: "neutral", 2: "contradiction"}
        assert loaded.config.label2id == {"entailment": 0, "neutral": 1, "contradiction": 2}
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("offline_and_silent")
def test_the_library_s_tokenizer_agrees_with_ours(teacher_folder, lines, words):
    library = AutoTokenizer.from_pretrained(teacher_folder)
    text = [line for language in lines.values() for line in language[:20]] + ["Voel unseen 1999 Vögel!"]
    for one, other in zip(text, reversed(text), strict=True):
        ours = words.encode(one, other)
        theirs = library(one, other)
        assert (theirs["input_ids"], theirs["token_type_ids"]) == (ours.ids, ours.type_ids)
    assert library.model_max_length == 32
    special = (library.pad_token_id, library.cls_token_id, library.sep_token_id, library.mask_token_id)
    assert special == tuple(words.token_to_id(token) for token in ("[PAD]", "[CLS]", "[SEP]", "[MASK]"))


def test_model_folders_hold_weights_as_safetensors_only(teacher_folder, tmp_path):
    save_classifier(classifier_from(teacher_folder, NLI, 0.1, 1), tmp_path / "classifier", teacher_folder)
    common = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in teacher_folder.iterdir()} == common | {"mlm_head.safetensors"}
    assert {path.name for path in (tmp_path / "classifier").iterdir()} == common


def test_saving_again_replaces_what_was_there(make_encoder, teacher_folder, tmp_path):
    save_encoder(make_encoder(2), tmp_path / "model", teacher_folder, load_mlm_head(teacher_folder))
    save_encoder(make_encoder(1), tmp_path / "model", teacher_folder)
    assert load_encoder(tmp_path / "model").config.num_hidden_layers == 1
    assert load_mlm_head(tmp_path / "model") is None
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_classifier_starts_from_its_encoder_and_a_head_that_its_seed_decides(teacher_folder):
    one, again, other = (classifier_from(teacher_folder, NLI, dropout=0.3, seed=seed) for seed in (1, 1, 2))
    assert same_weights(one.bert.state_dict(), load_encoder(teacher_folder).state_dict())
    assert same_weights(one.state_dict(), again.state_dict())
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert {module.p for module in one.modules() if isinstance(module, torch.nn.Dropout)} == {0.3}


def test_the_head_is_carried_and_gives_the_library_s_predictions(make_encoder, tokenizer_folder, tmp_path):
    encoder = make_encoder(2)
    head = random_mlm_head(encoder)
    with torch.no_grad():
        head.predictions.decoder.bias.normal_()
    weights = {key: weight for key, weight in head.state_dict().items() if "decoder" not in key}
    save_encoder(encoder, tmp_path / "2", tokenizer_folder, weights)
    carried = load_mlm_head(tmp_path / "2")
    assert carried is not None
    assert same_weights(carried, weights)

    library = BertForMaskedLM(encoder.config).eval()
    library.bert.load_state_dict(load_file(tmp_path / "2" / "model.safetensors"), strict=False)
    library.cls.load_state_dict(carried, strict=False)
    library.tie_weights()
    token = torch.arange(10, 20)[None]
    with torch.no_grad():
        ours = head(encoder(token).last_hidden_state)
        torch.testing.assert_close(library(token).logits, ours, atol=1e-5, rtol=1e-5)


def test_a_head_is_on_the_device_of_its_encoder(make_encoder):
    head = random_mlm_head(make_encoder(1).to("meta"))
    assert {parameter.device.type for parameter in head.parameters()} == {"meta"}


def test_the_config_of_a_student_is_plain_bert(make_encoder, tokenizer_folder, tmp_path):
    save_encoder(bottom_layers(make_encoder(3), 2), tmp_path / "2", tokenizer_folder)
    config = json.loads((tmp_path / "2" / "config.json").read_text())
    assert (config["model_type"], config["architectures"]) == ("bert", ["BertModel"])
    assert "auto_map" not in config
