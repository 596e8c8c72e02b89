"""A given teacher: any BERT checkpoint becomes the encoder it is, or is refused with the reason."""

import json
import logging
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForMaskedLM, BertForPreTraining

from camembert.models.encoder import init_mlm_head, load_encoder, load_mlm_head
from camembert.models.teacher import TeacherError, import_teacher
from camembert.plan.sources import SourceError
from camembert.plan.teachers import check_architecture, find_teacher_files

SIZES = {"num_hidden_layers": 3, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "max_length": 32}
ROWS = 170


@pytest.fixture(scope="module")
def model():
    """BERT with both heads of its pre-training, weights away from their initial values."""
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=ROWS,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    model = BertForPreTraining(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


@pytest.fixture
def checkpoint(model, tokenizer_folder, tmp_path):
    """The folder of a checkpoint: the model, or a part of it, with its tokenizer."""

    def write(part=model):
        folder = tmp_path / "checkpoint"
        part.save_pretrained(folder)
        for path in tokenizer_folder.iterdir():
            shutil.copy(path, folder / path.name)
        return folder

    return write


@pytest.fixture
def imported(tokenizer_folder, tmp_path):
    """Imports a checkpoint; returns the encoder, its head and what it came with."""

    def run(folder):
        found = import_teacher(folder, tokenizer_folder, tmp_path / "teacher", SIZES, ROWS)
        return load_encoder(tmp_path / "teacher"), load_mlm_head(tmp_path / "teacher"), found

    return run


def alter(folder, change):
    """Rewrites the weights of a checkpoint; `change` maps a state dict to another."""
    path = folder / "model.safetensors"
    weights = change(load_file(path))
    path.unlink()
    save_file({key: weight.contiguous() for key, weight in weights.items()}, path, metadata={"format": "pt"})


def set_in_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def same(encoder, other):
    weights, expected = encoder.state_dict(), other.state_dict()
    return weights.keys() == expected.keys() and all(torch.equal(weights[key], expected[key]) for key in weights)


def old_names(weights):
    """Layer norms as checkpoints of 2018 name them."""
    renames = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    return {next((k.replace(a, b) for a, b in renames.items() if a in k), k): w for k, w in weights.items()}


# --- what works -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["safetensors", "old names", "bin", "sharded", "half precision"])
def test_a_whole_checkpoint_becomes_the_same_encoder_with_its_head(model, checkpoint, imported, form):
    folder = checkpoint()
    if form == "old names":
        alter(folder, old_names)
    elif form == "bin":
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    elif form == "sharded":
        (folder / "model.safetensors").unlink()
        model.save_pretrained(folder, max_shard_size="10KB")
        assert len(find_teacher_files(folder)) > 5
    elif form == "half precision":
        alter(folder, lambda weights: {key: weight.half() for key, weight in weights.items()})
    encoder, head, found = imported(folder)
    assert found == {"pooler": True, "mlm_head": True}
    if form == "half precision":
        assert {weight.dtype for weight in encoder.state_dict().values()} == {torch.float32}
        return
    assert same(encoder, model.bert)
    ids = torch.arange(1, 20)[None]
    with torch.inference_mode():
        expected = model(ids).prediction_logits
        rebuilt = init_mlm_head(encoder, head)
        assert torch.allclose(rebuilt(encoder(ids).last_hidden_state), expected, atol=1e-5)


def test_an_encoder_alone_has_no_head(model, checkpoint, imported):
    encoder, head, found = imported(checkpoint(model.bert))
    assert found == {"pooler": True, "mlm_head": False}
    assert head is None
    assert same(encoder, model.bert)


def test_a_missing_pooler_starts_as_the_identity_and_is_said(model, checkpoint, imported, caplog):
    headed = BertForMaskedLM(model.config)
    headed.load_state_dict({key: w for key, w in model.state_dict().items() if key in headed.state_dict()})
    folder = checkpoint(headed)
    with caplog.at_level(logging.WARNING, "camembert"):
        torch.rand(7)
        first, _, found = imported(folder)
        second, _, _ = imported(folder)
    assert found == {"pooler": False, "mlm_head": True}
    assert "the teacher has no pooler: it gets one that starts as the identity" in caplog.text
    assert torch.equal(first.pooler.dense.weight, second.pooler.dense.weight)
    assert torch.equal(first.encoder.layer[2].output.dense.weight, model.bert.encoder.layer[2].output.dense.weight)


def test_a_head_with_an_output_matrix_of_its_own_is_left_out(model, checkpoint, imported, caplog):
    folder = checkpoint()
    set_in_config(folder, tie_word_embeddings=False)
    alter(folder, lambda weights: weights | {"cls.predictions.decoder.weight": torch.randn(ROWS, 16)})
    encoder, head, found = imported(folder)
    assert found == {"pooler": True, "mlm_head": False}
    assert head is None
    assert same(encoder, model.bert)


# --- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "has hidden_size None, expected a number; copy the model again"),
        (
            {"num_hidden_layers": 12},
            r"teacher\.num_hidden_layers is 3, but .* num_hidden_layers 12; set teacher\.num_hidden_layers to it",
        ),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type 'relative_key', expected 'absolute'"),
    ],
)
def test_another_model_than_the_config_says_is_refused(checkpoint, imported, change, message):
    folder = checkpoint()
    set_in_config(folder, **change)
    with pytest.raises(SourceError, match=message):
        imported(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: {key: x for key, x in w.items() if "layer.2" not in key},
            r"lack encoder\.layer\.2\..* and 13 more, or have them in another shape; expected a whole encoder",
        ),
        (
            lambda w: w | {"bert.embeddings.word_embeddings.weight": torch.randn(ROWS + 1, 16)},
            r"lack embeddings\.word_embeddings\.weight, or have them in another shape",
        ),
        (
            lambda w: w | {"bert.encoder.layer.3.output.dense.bias": torch.randn(16)},
            r"hold .*encoder\.layer\.3\.output\.dense\.bias, beyond the 3 layers of its config\.json",
        ),
        (lambda w: w | {"bert.pooler.dense.bias": torch.full((16,), torch.nan)}, "are not all finite; copy the model"),
    ],
)
def test_weights_that_are_not_this_model_are_refused(checkpoint, imported, change, message, tmp_path):
    folder = checkpoint()
    alter(folder, change)
    with pytest.raises(TeacherError, match=message):
        imported(folder)
    assert not (tmp_path / "teacher").exists()


def test_a_damaged_file_and_a_pickle_with_code_in_it_are_refused(checkpoint, imported, tmp_path):
    folder = checkpoint()
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TeacherError, match=r"the weights in .* cannot be read .*; copy the model again"):
        imported(folder)
    (folder / "model.safetensors").unlink()
    torch.save({"weights": Trap(tmp_path / "sprung")}, folder / "pytorch_model.bin")
    with pytest.raises(TeacherError, match="cannot be read"):
        imported(folder)
    assert not (tmp_path / "sprung").exists()


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("config.json", r"has no config\.json; expected a Hugging Face model folder"),
        ("model.safetensors", r"has no weights; expected model\.safetensors or pytorch_model\.bin"),
        ("tokenizer.json", r"has no tokenizer; expected tokenizer\.json, or vocab\.txt"),
    ],
)
def test_a_folder_that_lacks_a_file_is_refused_before_anything_runs(checkpoint, lost, message):
    folder = checkpoint()
    (folder / lost).unlink()
    with pytest.raises(SourceError, match=message):
        find_teacher_files(folder)


def test_a_lost_part_and_a_config_that_is_not_json_are_named(model, checkpoint):
    folder = checkpoint()
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="10KB")
    next(folder.glob("model-00002-*")).unlink()
    with pytest.raises(SourceError, match=r"has no model-00002-of-.*\.safetensors, which .*index\.json lists"):
        find_teacher_files(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(SourceError, match=r"config\.json is not JSON"):
        check_architecture(folder, SIZES, ROWS)


@pytest.mark.parametrize("content", ["{", "[]", '{"weight_map": ["a"]}', '{"metadata": {}}'])
def test_an_index_that_lists_no_parts_is_refused(checkpoint, content):
    folder = checkpoint()
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(SourceError, match=r"index\.json does not list the parts of the weights; copy the whole model"):
        find_teacher_files(folder)
