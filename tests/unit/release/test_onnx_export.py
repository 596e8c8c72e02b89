"""An ONNX model gives what PyTorch gives, for any number of rows and tokens."""

import numpy as np
import onnxruntime
import pytest
import torch
from checkpoints import import_checkpoint
from transformers import AutoTokenizer

from camembert.evaluation.predictors import predictor_of, pytorch_predictor
from camembert.models.classifier import classifier_from, save_classifier
from camembert.release.onnx_export import export, quantize
from camembert.tokens.tokenizer import load_tokenizer


@pytest.fixture(scope="module")
def forms(teacher_folder, tmp_path_factory):
    """A classifier in PyTorch, in ONNX and in ONNX with eight bits."""
    folder = tmp_path_factory.mktemp("onnx")
    classifier = classifier_from(teacher_folder, ["yes", "no"], dropout=0.1, seed=1)
    torch.nn.init.normal_(classifier.classifier.weight)
    save_classifier(classifier, folder / "classifier", teacher_folder)
    export(classifier, folder / "fp32", folder / "classifier")
    quantize(folder / "fp32", folder / "int8")
    return folder


def batch(rows, tokens, vocabulary):
    """Random rows of two segments, of which all but the first are padded at the end."""
    rng = np.random.default_rng(rows + tokens)
    mask = np.ones((rows, tokens), dtype=np.int64)
    mask[1:, (tokens + 1) // 2 :] = 0
    segments = np.zeros_like(mask)
    segments[:, tokens // 3 :] = 1
    return {
        "input_ids": rng.integers(vocabulary, size=mask.shape),
        "token_type_ids": segments,
        "attention_mask": mask,
    }


@pytest.mark.parametrize(("rows", "tokens"), [(1, 1), (1, 7), (2, 3), (5, 32)])
def test_float32_logits_are_those_of_pytorch(forms, words, rows, tokens):
    inputs = batch(rows, tokens, words.get_vocab_size())
    expected = predictor_of(forms / "classifier", threads=1)(inputs)
    np.testing.assert_allclose(predictor_of(forms / "fp32", threads=1)(inputs), expected, atol=1e-4)


def test_eight_bits_stay_close_and_take_less_room(forms, words):
    inputs = batch(64, 24, words.get_vocab_size())
    expected, quantised = (predictor_of(forms / form, threads=1)(inputs) for form in ("fp32", "int8"))
    assert 0 < np.abs(quantised - expected).max() < 0.2 * np.ptp(expected)
    sizes = [(forms / form / "model.onnx").stat().st_size for form in ("fp32", "int8")]
    assert sizes[1] < sizes[0]


def test_a_folder_of_onnx_can_be_used_by_itself(forms):
    for form in ("fp32", "int8"):
        assert load_tokenizer(forms / form).get_vocab_size()
        assert (forms / form / "config.json").is_file()


def test_a_predictor_runs_in_eval_mode(teacher_folder, words):
    classifier = classifier_from(teacher_folder, ["yes", "no"], dropout=0.5, seed=1).train()
    predictor, inputs = pytorch_predictor(classifier), batch(2, 8, words.get_vocab_size())
    np.testing.assert_array_equal(predictor(inputs), predictor(inputs))


@pytest.mark.parametrize("kind", ["minilm", "roberta", "xlm-roberta", "camembert"])
def test_a_model_whose_tokenizer_gives_no_segments_takes_none(kind, lines, tmp_path):
    import_checkpoint(kind, tmp_path, [text for each in lines.values() for text in each])
    classifier = classifier_from(tmp_path / "encoder", ["yes", "no"], dropout=0.1, seed=1)
    save_classifier(classifier, tmp_path / "classifier", tmp_path / "encoder")
    export(classifier, tmp_path / "fp32", tmp_path / "classifier")
    session = onnxruntime.InferenceSession(str(tmp_path / "fp32" / "model.onnx"))
    assert [each.name for each in session.get_inputs()] == ["input_ids", "attention_mask"]
    inputs = AutoTokenizer.from_pretrained(tmp_path / "fp32")(lines["en"][:6], lines["fr"][:6], padding=True)
    arrays = {name: np.array(rows, dtype=np.int64) for name, rows in inputs.items()}
    assert list(arrays) == ["input_ids", "attention_mask"]
    expected = predictor_of(tmp_path / "classifier", threads=1)(arrays)
    assert np.ptp(expected, axis=0).min() > 1e-4
    np.testing.assert_allclose(session.run(["logits"], arrays)[0], expected, atol=1e-5)
