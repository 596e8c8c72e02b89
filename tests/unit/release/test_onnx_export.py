"""An ONNX model gives what PyTorch gives, for any number of rows and tokens."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from checkpoints import import_checkpoint
from conftest import POSITIONS
from transformers import AutoTokenizer

from camembert.data.tasks import Example, read_examples, write_examples
from camembert.evaluation.classification import accuracy, load_predictor, pytorch_predictor, text_predictor
from camembert.evaluation.sentence_vectors import embed_sentences
from camembert.models.classifier import init_classifier
from camembert.models.encoder import load_encoder, save_model
from camembert.release.onnx_export import export, measure_loss, quantize
from camembert.tokens.tokenizer import load_tokenizer


@pytest.fixture(scope="module")
def forms(teacher_folder, tmp_path_factory):
    """A classifier in PyTorch, in ONNX and in ONNX with eight bits."""
    folder = tmp_path_factory.mktemp("onnx")
    classifier = init_classifier(teacher_folder, ["yes", "no"], dropout=0.1, seed=1)
    torch.nn.init.normal_(classifier.classifier.weight)
    save_model(classifier, folder / "classifier", teacher_folder)
    export(folder / "classifier", folder / "fp32")
    quantize(folder / "fp32", folder / "int8")
    return folder


def run(folder, max_length, batch_tokens):
    """What runs the model of a folder on examples."""
    return text_predictor(load_predictor(folder, threads=1), folder, max_length, batch_tokens)


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
    expected = load_predictor(forms / "classifier", threads=1)(inputs)
    np.testing.assert_allclose(load_predictor(forms / "fp32", threads=1)(inputs), expected, atol=1e-4)


def test_eight_bits_stay_close_and_take_less_room(forms, words):
    inputs = batch(64, 24, words.get_vocab_size())
    expected, quantised = (load_predictor(forms / form, threads=1)(inputs) for form in ("fp32", "int8"))
    assert 0 < np.abs(quantised - expected).max() < 0.2 * np.ptp(expected)
    sizes = [(forms / form / "model.onnx").stat().st_size for form in ("fp32", "int8")]
    assert sizes[1] < sizes[0]


def test_embeddings_are_eight_bits_too(forms):
    model = onnx.load(forms / "int8" / "model.onnx")
    kinds = {each.name: each.data_type for each in model.graph.initializer if len(each.dims) == 2}
    words = [kind for name, kind in kinds.items() if "word_embeddings" in name]
    assert words == [onnx.TensorProto.UINT8]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_an_encoder_gives_the_vectors_that_retrieval_compares(teacher_folder, lines, pooling, tmp_path):
    export(teacher_folder, tmp_path / "onnx", pooling)
    quantize(tmp_path / "onnx", tmp_path / "int8")
    tokenizer, encoder = load_tokenizer(teacher_folder), load_encoder(teacher_folder)
    examples = [Example("", text, None, 0) for text in lines["en"][:20]]
    full, small = (run(tmp_path / form, POSITIONS, 64)(examples) for form in ("onnx", "int8"))
    expected = embed_sentences(encoder, tokenizer, lines["en"][:20], [3], [pooling], 64)[0, 0]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(full, expected, atol=1e-5)
    assert 0.9 < (small * full).sum(1).mean() < 1


def test_what_eight_bits_lose_is_counted_on_dev(forms, pairs):
    small, full = forms / "int8", forms / "fp32"
    how = {"dev": [pairs["dev"]], "max_length": 32, "batch_tokens": 256, "threads": 1}
    examples = [example._replace(label=0) for example in read_examples(pairs["dev"])]
    right = [accuracy(run(form, 32, 256)(examples), [0] * 20) for form in (full, small)]
    write_examples(examples, forms / "dev.parquet")
    loss = measure_loss("classifier", full, small, **(how | {"dev": [forms / "dev.parquet"]}))
    assert loss == pytest.approx(right[0] - right[1])
    assert measure_loss("classifier", full, full, **how) == 0


def test_a_folder_of_onnx_can_be_used_by_itself(forms):
    for form in ("fp32", "int8"):
        assert load_tokenizer(forms / form).get_vocab_size()
        assert (forms / form / "config.json").is_file()


def test_a_predictor_runs_in_eval_mode(teacher_folder, words):
    classifier = init_classifier(teacher_folder, ["yes", "no"], dropout=0.5, seed=1).train()
    predictor, inputs = pytorch_predictor(classifier), batch(2, 8, words.get_vocab_size())
    np.testing.assert_array_equal(predictor(inputs), predictor(inputs))


@pytest.mark.parametrize("kind", ["minilm", "roberta", "xlm-roberta", "camembert"])
def test_a_model_whose_tokenizer_gives_no_segments_takes_none(kind, lines, tmp_path):
    import_checkpoint(kind, tmp_path, [text for each in lines.values() for text in each])
    classifier = init_classifier(tmp_path / "encoder", ["yes", "no"], dropout=0.1, seed=1)
    save_model(classifier, tmp_path / "classifier", tmp_path / "encoder")
    export(tmp_path / "classifier", tmp_path / "fp32")
    session = onnxruntime.InferenceSession(str(tmp_path / "fp32" / "model.onnx"))
    assert [each.name for each in session.get_inputs()] == ["input_ids", "attention_mask"]
    inputs = AutoTokenizer.from_pretrained(tmp_path / "fp32")(lines["en"][:6], lines["fr"][:6], padding=True)
    arrays = {name: np.array(rows, dtype=np.int64) for name, rows in inputs.items()}
    assert list(arrays) == ["input_ids", "attention_mask"]
    expected = load_predictor(tmp_path / "classifier", threads=1)(arrays)
    assert np.ptp(expected, axis=0).min() > 1e-4
    np.testing.assert_allclose(session.run(["logits"], arrays)[0], expected, atol=1e-5)
