"""A given teacher's kind and sizes, as its config.json says them."""

import json
from copy import deepcopy

import pytest

from camembert.plan.config import ConfigError, check_config
from camembert.plan.sources import SourceError
from camembert.plan.teachers import (
    SIZES,
    find_teacher_files,
    has_segments,
    longest_input,
    read_model_config,
    read_sizes,
)

XLM_R = {
    "model_type": "xlm-roberta",
    "architectures": ["XLMRobertaForMaskedLM"],
    "bos_token_id": 0,
    "eos_token_id": 2,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "max_position_embeddings": 514,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 1,
    "position_embedding_type": "absolute",
    "type_vocab_size": 1,
    "vocab_size": 250002,
}
"""The config.json of XLM-R base, but for dropout and the like."""
MINILM = XLM_R | {
    "model_type": "bert",
    "hidden_size": 384,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "tokenizer_class": "XLMRobertaTokenizer",
    "type_vocab_size": 2,
    "vocab_size": 250037,
}
"""That of multilingual-e5-small."""


@pytest.fixture
def folder(tmp_path):
    """Writes a model folder with this config.json."""

    def write(facts):
        for name in ("model.safetensors", "tokenizer.json"):
            (tmp_path / name).write_text("")
        (tmp_path / "config.json").write_text(json.dumps(facts))
        return tmp_path

    return write


@pytest.mark.parametrize(("facts", "longest", "segments"), [(XLM_R, 512, False), (MINILM, 512, True)])
def test_the_longest_input_leaves_out_positions_before_a_text(folder, facts, longest, segments):
    assert longest_input(facts) == longest
    assert has_segments(facts) == segments
    assert read_sizes(folder(facts)) == {key: facts[key] for key in (*SIZES[:-1], "vocab_size")} | {"max_length": 512}


@pytest.mark.parametrize(
    ("facts", "likely"),
    [
        (MINILM, "xlm-roberta"),
        (MINILM | {"architectures": ["BertModel"]}, "bert"),
        (MINILM | {"architectures": None}, "bert"),
        (XLM_R | {"architectures": None}, "xlm-roberta"),
        (XLM_R | {"architectures": None, "vocab_size": 50265}, "roberta"),
        (XLM_R | {"architectures": ["CamembertForMaskedLM"]}, "camembert"),
    ],
)
def test_a_config_of_2019_is_told_which_type_to_add(folder, facts, likely):
    written = folder({key: value for key, value in facts.items() if key != "model_type"})
    with pytest.raises(
        SourceError, match=rf'has no model_type, as those of 2019 have none; add "model_type": "{likely}"'
    ):
        read_model_config(written)


def test_sizes_that_are_null_are_those_of_a_local_teacher(config, folder):
    config["teacher"] |= {"source": "folder", "folder": str(folder(XLM_R))} | dict.fromkeys(SIZES)
    config["tokenizer"]["vocab_size"] = None
    config |= {"chains": ["12-6"], "compute_matched": []}
    given = deepcopy(config)
    check_config(config)
    read = {key: config["teacher"][key] for key in SIZES} | {"vocab_size": config["tokenizer"]["vocab_size"]}
    assert read == read_sizes(folder(XLM_R))
    given["teacher"]["hidden_size"] = 384
    with pytest.raises(ConfigError, match=r"teacher\.hidden_size is 384, but .* has hidden_size 768; set"):
        check_config(given)


@pytest.mark.parametrize(
    "kind", ["modernbert", "deberta-v2", "distilbert", "xlm-roberta-xl", "electra", "gpt2", "llama", None]
)
def test_other_architectures_are_refused_with_those_that_are_not(folder, kind):
    with pytest.raises(
        SourceError, match="an encoder with BERT's layers, one of bert, roberta, xlm-roberta, camembert"
    ):
        read_model_config(folder(XLM_R | {"model_type": kind}))


@pytest.mark.parametrize(("name", "more"), [("sentencepiece.bpe.model", ()), ("vocab.json", ("merges.txt",))])
def test_a_folder_without_tokenizer_json_is_told_how_to_get_one(folder, name, more):
    model = folder(XLM_R)
    (model / "tokenizer.json").unlink()
    for each in (name, *more):
        (model / each).write_text("")
    with pytest.raises(SourceError, match=rf"its tokenizer as {name} only, expected tokenizer\.json; write one"):
        find_teacher_files(model)
