"""Every supported architecture computes here what the library computes, and is saved as what it is."""

import warnings

import numpy as np
import pytest
import torch
from checkpoints import HEADS, HIDDEN, INTERMEDIATE, KINDS, LAYERS, LONGEST, import_checkpoint
from students import bottom_layers
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline

from camembert.evaluation.sentence_vectors import embed_sentences as sentence_vectors
from camembert.models.classifier import init_classifier
from camembert.models.encoder import (
    attention_mask,
    compute_relation,
    init_encoder_like,
    init_mlm_head,
    load_encoder,
    load_mlm_head,
    run_embeddings,
    run_encoder,
    run_layers,
    same_document,
    save_model,
    to_tensors,
)
from camembert.plan.teachers import read_sizes
from camembert.tokens.corpora import Shard, TokenizedCorpus, write_shard
from camembert.tokens.packing import TextBatches
from camembert.tokens.tokenizer import SpecialIds, load_tokenizer

TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(scope="module", params=KINDS)
def given(request, lines, tmp_path_factory):
    """A kind of teacher: its name, the model, the folder with `given` and `encoder`, and what it came with."""
    folder = tmp_path_factory.mktemp(request.param)
    model, found = import_checkpoint(request.param, folder, [text for each in lines.values() for text in each])
    return request.param, model, folder, found


@pytest.fixture(scope="module")
def batches(given, lines, tmp_path_factory):
    """Packed batches of pairs of translations and of single documents, under the tokenizer of a kind."""
    _, _, folder, _ = given
    words, corpora = load_tokenizer(folder / "encoder"), tmp_path_factory.mktemp("shards")
    for language, text in lines.items():
        write_shard(corpora / language, text, words, {"parallel": True})
        write_shard(corpora / f"{language}-alone", text, words, {"parallel": False})
    mixture = [
        TokenizedCorpus({language: Shard(corpora / language) for language in lines}),
        TokenizedCorpus({language: Shard(corpora / f"{language}-alone") for language in lines}),
    ]
    return TextBatches(mixture, SpecialIds.read(folder / "encoder"), 6, 48, 0.7, seed=1)


def test_a_checkpoint_comes_whole_with_the_sizes_that_its_config_names(given):
    kind, model, folder, found = given
    expected = {
        "num_hidden_layers": LAYERS,
        "hidden_size": HIDDEN,
        "num_attention_heads": HEADS,
        "intermediate_size": INTERMEDIATE,
        "max_length": LONGEST,
    }
    assert read_sizes(folder / "given") == expected | {"vocab_size": model.config.vocab_size}
    assert found == {"pooler": False, "mlm_head": True}
    encoder = load_encoder(folder / "encoder")
    assert encoder.config.model_type == model.config.model_type == ("bert" if kind == "minilm" else kind)
    weights = {key: weight for key, weight in encoder.state_dict().items() if not key.startswith("pooler.")}
    theirs = model.base_model.state_dict()
    assert weights.keys() == theirs.keys()
    assert all(torch.equal(weights[key], theirs[key]) for key in weights)
    assert encoder.config.pad_token_id == SpecialIds.read(folder / "encoder").pad


def test_packed_documents_get_the_states_and_attention_maps_that_the_library_gives_each_alone(given, batches):
    _, _, folder, _ = given
    encoder = load_encoder(folder / "encoder").eval()
    eager = AutoModel.from_pretrained(folder / "encoder", attn_implementation="eager").eval()
    words = AutoTokenizer.from_pretrained(folder / "encoder")
    batch = to_tensors(batches.batch(0))
    with torch.inference_mode():
        mask = attention_mask(batch)
        ours = run_encoder(encoder, batch)
        maps = [compute_relation(encoder, layer, ours[layer - 1], mask).softmax(-1) for layer in range(1, LAYERS + 1)]
        documents = [(row, number) for row in range(6) for number in range(int(batch["document"][row].max()) + 1)]
        assert len(documents) > 12
        for row, number in documents:
            here = batch["document"][row] == number
            inputs = {"input_ids": batch["token"][row, here][None]}
            if "token_type_ids" in words.model_input_names:
                inputs["token_type_ids"] = batch["segment"][row, here][None]
            theirs = eager(**inputs, output_hidden_states=True, output_attentions=True)
            for layer in range(LAYERS + 1):
                torch.testing.assert_close(ours[layer][row, here], theirs.hidden_states[layer][0], **TOLERANCE)
            for layer in range(LAYERS):
                own = maps[layer][row][:, here][:, :, here]
                torch.testing.assert_close(own, theirs.attentions[layer][0], **TOLERANCE)


def test_padded_texts_get_the_states_that_the_library_gives_them(given, lines):
    _, _, folder, _ = given
    encoder = load_encoder(folder / "encoder").eval()
    words = AutoTokenizer.from_pretrained(folder / "encoder")
    inputs = words(lines["en"][:8], lines["fr"][:8], padding=True, return_tensors="pt")
    real = inputs["attention_mask"].bool()
    assert not real.all()
    position, document = torch.arange(real.shape[1]).expand(real.shape), torch.where(real, 0, -1)
    segment = inputs.get("token_type_ids", torch.zeros_like(position))
    batch = {"token": inputs["input_ids"], "segment": segment, "position": position}
    with torch.inference_mode():
        expected = AutoModel.from_pretrained(folder / "encoder").eval()(**inputs).last_hidden_state
        found = run_layers(encoder, run_embeddings(encoder, batch), same_document(document))[-1]
    torch.testing.assert_close(found[real], expected[real], **TOLERANCE)


def test_packed_documents_are_framed_as_the_tokenizer_frames_texts(given, batches, lines):
    kind, _, folder, _ = given
    words, theirs = load_tokenizer(folder / "encoder"), AutoTokenizer.from_pretrained(folder / "encoder")
    known = {}
    for text in lines.values():
        for translated in lines.values():
            for pair in zip(text, translated, strict=True):
                known[tuple(words.encode(*pair).ids)] = words.encode(*pair)
        known |= {tuple(words.encode(one).ids): words.encode(one) for one in text}
    rows = batches.batch(1)
    whole = 0
    for row in range(6):
        for number in range(rows.document[row].max() + 1):
            here = rows.document[row] == number
            if encoding := known.get(tuple(rows.token[row][here].tolist())):
                whole += 1
                assert rows.segment[row][here].tolist() == encoding.type_ids
                assert rows.text[row][here].tolist() == [not flag for flag in encoding.special_tokens_mask]
    assert whole > 8, "some are cut, most are whole"
    assert theirs(lines["en"][0], lines["fr"][0])["input_ids"] == words.encode(lines["en"][0], lines["fr"][0]).ids
    assert ("token_type_ids" in theirs.model_input_names) == (kind == "bert")
    if kind != "bert":  # whose names in a text are text to the tokenizer that is trained here
        hidden = f"{lines['en'][0]} {theirs.mask_token} {lines['en'][1]}"
        assert theirs(hidden)["input_ids"] == words.encode(hidden).ids
    assert theirs.mask_token_id == SpecialIds.read(folder / "encoder").mask
    assert theirs.model_max_length == LONGEST


def test_the_masked_language_model_head_predicts_what_the_library_predicts(given):
    _, model, folder, _ = given
    encoder = load_encoder(folder / "encoder").eval()
    head = init_mlm_head(encoder, load_mlm_head(folder / "encoder")).eval()
    ids = torch.arange(8, 30)[None]
    with torch.inference_mode():
        expected = model(ids).logits
        torch.testing.assert_close(head(encoder(ids).last_hidden_state), expected, **TOLERANCE)


def refuse_the_network(*_):
    raise AssertionError("something reached for the network")


def test_a_student_and_its_classifier_load_as_their_own_architecture_offline_without_a_warning(
    given, lines, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("socket.socket.connect", refuse_the_network)
    monkeypatch.setattr("socket.getaddrinfo", refuse_the_network)
    kind, _, folder, _ = given
    teacher = load_encoder(folder / "encoder")
    save_model(bottom_layers(teacher, 2), tmp_path / "student", folder / "encoder", None)
    classifier = init_classifier(tmp_path / "student", ["no", "yes"], dropout=0.0, seed=1)
    save_model(classifier, tmp_path / "classifier", tmp_path / "student")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        student = AutoModel.from_pretrained(tmp_path / "student").eval()
        loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "classifier").eval()
        classify = pipeline("text-classification", model=str(tmp_path / "classifier"), device="cpu", top_k=None)
        scores = classify({"text": lines["en"][0], "text_pair": lines["fr"][0]})
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert type(loaded).__name__.removesuffix("ForSequenceClassification") == type(student).__name__[:-5]
    assert student.config.model_type == ("bert" if kind == "minilm" else kind)
    assert all(torch.equal(weight, loaded.state_dict()[name]) for name, weight in classifier.state_dict().items())
    assert loaded.config.label2id == {"no": 0, "yes": 1}
    with torch.no_grad():
        ids = torch.tensor([load_tokenizer(folder / "encoder").encode(lines["en"][0], lines["fr"][0]).ids])
        words = AutoTokenizer.from_pretrained(tmp_path / "classifier")
        logits = loaded(**words(lines["en"][0], lines["fr"][0], return_tensors="pt")).logits[0]
        state = student(ids, token_type_ids=ids * 0).last_hidden_state[:, 0]
        if kind != "bert":  # <s> is read through what was the pooler
            output = loaded.classifier if kind == "minilm" else loaded.classifier.out_proj
            torch.testing.assert_close(output(teacher.pooler.dense(state).tanh())[0], logits, **TOLERANCE)
    shares = {each["label"]: each["score"] for each in scores}
    np.testing.assert_allclose([shares["no"], shares["yes"]], logits.softmax(-1), atol=1e-5)


def test_a_control_from_scratch_has_the_architecture_of_its_teacher(given):
    _, model, folder, _ = given
    encoder = init_encoder_like(folder / "given", 2, SpecialIds.read(folder / "encoder").pad, seed=1)
    assert type(encoder) is type(model.base_model)
    for key in ("vocab_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act"):
        assert getattr(encoder.config, key) == getattr(model.config, key)
    assert encoder.config.num_hidden_layers == len(encoder.encoder.layer) == 2


def test_sentences_longer_than_the_longest_input_are_cut_to_it(given, lines):
    _, _, folder, _ = given
    encoder, words = load_encoder(folder / "encoder"), load_tokenizer(folder / "encoder")
    long, short = " ".join(lines["en"]), lines["en"][0]
    vectors = sentence_vectors(encoder, words, [long, short], [LAYERS], ["mean"], 256)[0]
    assert len(load_tokenizer(folder / "encoder").encode(long).ids) > LONGEST
    alone = sentence_vectors(encoder, words, [short], [LAYERS], ["mean"], 256)[0]
    np.testing.assert_allclose(vectors[:, 1], alone[:, 0], atol=1e-5)
