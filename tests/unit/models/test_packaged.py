"""The model that a file of the form E5S1 stands for is the one that `transformers` loads, or the file is refused."""

import numpy as np
import pytest
from packaged_files import CHARACTERS, LAYERS, pieces_of, tensors_of, write_file
from safetensors.numpy import load_file
from transformers import AutoModel, AutoTokenizer

from camembert.models.packaged import BLOCK_TYPE, PackagedError, dequantise, read_packaged, write_folder

PLACES = {
    "k": "attention.self.key",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
TEXT = ["the final office", "дом и сад", "บ้าน สวน"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A file, the weights that it stands for, and the folder made from it."""
    folder = tmp_path_factory.mktemp("packaged")
    pieces = pieces_of(TEXT)
    weights = write_file(folder / "weights.bin", pieces, tensors_of(len(pieces)))
    write_folder(read_packaged(folder / "weights.bin"), folder / "model")
    return folder, weights, pieces


def test_a_block_in_four_bits_is_its_scale_times_its_numbers():
    """Low halves first: 0 to 15 for the first sixteen elements, then 15 to 0."""
    block = np.array([(0.5, [number + 16 * (15 - number) for number in range(16)])], dtype=BLOCK_TYPE)
    expected = [0.5 * (number - 8) for number in [*range(16), *range(15, -1, -1)]]
    assert dequantise(block).tolist() == expected


def test_every_weight_has_its_place(made):
    folder, weights, _ = made
    model = AutoModel.from_pretrained(folder / "model", local_files_only=True, add_pooling_layer=False)
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    np.testing.assert_array_equal(state["embeddings.word_embeddings.weight"], weights["emb.word"])
    np.testing.assert_array_equal(state["embeddings.token_type_embeddings.weight"], weights["emb.type"])
    for short, long in PLACES.items():
        for layer in range(LAYERS):
            np.testing.assert_array_equal(state[f"encoder.layer.{layer}.{long}.weight"], weights[f"l{layer}.{short}.w"])
            np.testing.assert_array_equal(state[f"encoder.layer.{layer}.{long}.bias"], weights[f"l{layer}.{short}.b"])
    assert set(load_file(folder / "model" / "model.safetensors")) == set(state)
    assert (model.config.pad_token_id, model.config.layer_norm_eps) == (1, pytest.approx(1e-12))


def test_text_is_framed_normalised_and_cut_into_pieces(made):
    folder, _, pieces = made
    tokenizer = AutoTokenizer.from_pretrained(folder / "model", local_files_only=True)
    ids = {piece: number for number, (piece, _) in enumerate(pieces)}
    frame = [ids["<s>"], ids["</s>"]]
    expected = [frame[0], ids["▁the"], ids["▁final"], frame[1]]
    assert tokenizer("the\x01\u200b\t ﬁnal")["input_ids"] == expected
    assert tokenizer("the", "final")["input_ids"] == [
        frame[0],
        ids["▁the"],
        frame[1],
        frame[1],
        ids["▁final"],
        frame[1],
    ]
    assert tokenizer(" the final ")["input_ids"] == expected, "spaces at the ends are none"
    assert tokenizer("щ")["input_ids"][-2] == ids["<unk>"]
    assert (tokenizer.pad_token_id, tokenizer.mask_token, tokenizer.model_max_length) == (1, "<mask>", 64)


def change(made, tmp_path, what):
    """A file that is not as it should be."""
    folder, _, pieces = made
    path, content = tmp_path / "weights.bin", (folder / "weights.bin").read_bytes()
    if what == "other":
        path.write_bytes(b"PK" + content)
    elif what == "blocks":
        write_file(path, pieces, tensors_of(len(pieces)), CHARACTERS, block=64)
    elif what == "missing":
        write_file(path, pieces, {k: v for k, v in tensors_of(len(pieces)).items() if k != "l1.k.b"})
    elif what == "size":
        write_file(path, pieces, tensors_of(len(pieces)) | {"emb.pos": np.zeros((8, 32), np.float32)})
    else:
        path.write_bytes(content[: int(len(content) * what)])
    return path


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("other", "begins with b'PKE5', expected b'E5S1'; name another file of the package"),
        ("blocks", "has blocks of 64, expected 32"),
        (0.001, "is truncated or damaged"),
        (0.01, "is truncated or damaged"),
        (0.5, "is truncated or damaged"),
        (0.999, "is truncated or damaged"),
        ("missing", "the tensor l1.k.b is missing, expected (32,)"),
        ("size", "the tensor emb.pos has 256 elements, expected (64, 32)"),
    ],
)
def test_another_file_or_a_part_of_it_is_refused_in_one_sentence(made, tmp_path, what, said):
    with pytest.raises(PackagedError) as error:
        write_folder(read_packaged(change(made, tmp_path, what)), tmp_path / "model")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "model").exists()
