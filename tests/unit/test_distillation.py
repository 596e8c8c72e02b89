"""One hop: what it trains, what it leaves alone, what it is asked to match."""

import copy
import threading

import numpy as np
import pytest
import torch
from transformers import BertModel

from camembert import distillation
from camembert.corpus import Shard, TextBatches
from camembert.distillation import freeze, text_batch, toplayer
from camembert.encoder import bottom_layers, load_encoder, load_mlm_head
from camembert.training import Run, Schedule

GOLDEN = {
    "hidden": [1.8119711, 1.1427413, 0.6634881, 0.5512528, 0.4860325],
    "attention": [0.02261977, 0.02686880, 0.01767274, 0.02284280, 0.01919374],
}


@pytest.fixture
def batch(corpus, special):
    return text_batch(TextBatches([Shard(path) for path in corpus.values()], special, 4, 32, 0.7, seed=0))(0)


@pytest.fixture
def teacher(teacher_folder):
    return load_encoder(teacher_folder)


def gradients(student, teacher, batch, *weights: float, shared: bool = True) -> dict[str, torch.Tensor]:
    """The gradient of every parameter that trains and has one, after one backward pass."""
    toplayer(student, teacher, *weights, shared)(batch)["loss"].backward()
    return {name: p.grad for name, p in student.named_parameters() if p.grad is not None}


# --- which tensors train --------------------------------------------------------------------------------------


def test_everything_trains_but_pooler_embeddings_and_key_biases(teacher, batch):
    """Key biases have no gradient by symmetry: softmax does not see what is added to all scores of a query."""
    student = bottom_layers(teacher, 2)
    freeze(student, embeddings=True)
    norms = {name: grad.norm().item() for name, grad in gradients(student, teacher, batch, 1.0, 10.0).items()}
    untouched = {name for name, _ in student.named_parameters()} - norms.keys()
    assert untouched == {name for name, _ in student.named_parameters() if name.startswith(("embeddings.", "pooler."))}
    assert untouched == {name for name, p in student.named_parameters() if not p.requires_grad}
    keys = {name for name in norms if name.endswith("key.bias")}
    assert len(keys) == 2
    largest_of_a_key = max(norms[name] for name in keys)
    assert min(norm for name, norm in norms.items() if name not in keys) > 1000 * largest_of_a_key
    assert min(norm for name, norm in norms.items() if name not in keys) > 1e-4


def test_unfrozen_embeddings_train_too(teacher, batch):
    student = bottom_layers(teacher, 2)
    freeze(student, embeddings=False)
    reached = gradients(student, teacher, batch, 1.0, 10.0, shared=False)
    assert {name for name, _ in student.named_parameters()} - reached.keys() == {
        "pooler.dense.weight",
        "pooler.dense.bias",
    }
    assert all(reached[name].any() for name in reached if name.startswith("embeddings."))


def test_the_attention_loss_alone_trains_no_more_than_queries_and_keys_of_the_top_layer(teacher, batch):
    student = bottom_layers(teacher, 2)
    freeze(student, embeddings=True)
    reached = gradients(student, teacher, batch, 0.0, 1.0)
    top = {name.removeprefix("encoder.layer.1.") for name in reached if name.startswith("encoder.layer.1.")}
    trained = {name for name in top if reached[f"encoder.layer.1.{name}"].any()}
    assert trained - {"attention.self.key.bias"} == {
        "attention.self.query.weight",
        "attention.self.query.bias",
        "attention.self.key.weight",
    }


def test_the_teacher_gets_no_gradient_and_no_dropout(teacher, batch):
    teacher.train()
    student = bottom_layers(teacher, 2).eval()
    objective = toplayer(student, teacher, 1.0, 1.0, shared_embeddings=False)
    assert objective(batch)["loss"].item() == objective(batch)["loss"].item()
    objective(batch)["loss"].backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())


@pytest.mark.parametrize(("frozen", "dropout"), [(True, 0.0), (True, 0.1), (False, 0.0)])
def test_a_hop_leaves_pooler_and_frozen_embeddings_bit_for_bit(distilling, teacher, tmp_path, frozen, dropout):
    distilling(
        output=tmp_path / "2",
        checkpoints=tmp_path / "checkpoints",
        schedule=Schedule(6, learning_rate=1e-2, warmup=0.0, weight_decay=0.1),
        freeze_embeddings=frozen,
        dropout=dropout,
    )
    before, after = teacher.state_dict(), load_encoder(tmp_path / "2").state_dict()
    same = {name for name in after if torch.equal(after[name], before[name])}
    assert {name for name in after if name.startswith("pooler.")} <= same
    embeddings = {name for name in after if name.startswith("embeddings.")}
    assert embeddings & same == (embeddings if frozen else set())
    layers = {name for name in after if name.startswith("encoder.") and not name.endswith("key.bias")}
    assert not layers & same


# --- the objective --------------------------------------------------------------------------------------------


def test_the_loss_is_the_weighted_sum_of_its_parts(teacher, batch):
    parts = toplayer(bottom_layers(teacher, 1), teacher, 2.0, 30.0, shared_embeddings=True)(batch)
    assert parts["hidden"] > 0
    assert parts["attention"] > 0
    assert parts["loss"].item() == pytest.approx(2 * parts["hidden"].item() + 30 * parts["attention"].item())


def test_the_parts_are_what_the_library_computes_for_each_document_alone(teacher, batch):
    student = bottom_layers(teacher, 2).eval()
    parts = toplayer(student, teacher, 1.0, 1.0, shared_embeddings=True)(batch)
    hidden, attention = [], []
    eager = []
    for model in (student, teacher):
        eager.append(BertModel._from_config(copy.deepcopy(model.config), attn_implementation="eager").eval())
        eager[-1].load_state_dict(model.state_dict())
    for row, documents in enumerate(batch["document"]):
        for number in range(int(documents.max()) + 1):
            here = documents == number
            inputs = {"input_ids": batch["token"][row, here][None], "token_type_ids": batch["segment"][row, here][None]}
            with torch.no_grad():
                one, other = (model(**inputs, output_attentions=True) for model in eager)
            hidden.append((one.last_hidden_state - other.last_hidden_state).square().flatten())
            attention.append((one.attentions[-1] - other.attentions[-1]).square().flatten())
    assert len(hidden) > 4, "several documents a row"
    assert parts["hidden"].item() == pytest.approx(torch.cat(hidden).mean().item(), rel=1e-5)
    assert parts["attention"].item() == pytest.approx(torch.cat(attention).mean().item(), rel=1e-5)


def test_the_parts_compare_the_top_layers(teacher, batch):
    """A student whose layers are the teacher's has no loss; one whose top layer alone is another's has."""
    student = copy.deepcopy(teacher)
    objective = toplayer(student, teacher, 1.0, 1.0, shared_embeddings=True)
    assert objective(batch)["loss"].item() == 0.0
    with torch.no_grad():
        student.encoder.layer[2].attention.self.query.weight.add_(0.1)
    assert objective(batch)["attention"].item() > 0
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        student.encoder.layer[2].output.dense.bias.add_(torch.linspace(0, 1, 16))
    parts = toplayer(student, teacher, 1.0, 1.0, shared_embeddings=True)(batch)
    assert parts["hidden"].item() > 0
    assert parts["attention"].item() == 0.0


def test_padding_does_not_count(teacher, batch):
    objective = toplayer(bottom_layers(teacher, 2).eval(), teacher, 1.0, 10.0, shared_embeddings=True)
    padding = batch["document"] < 0
    assert padding.any()
    expected = objective(batch)["loss"].item()
    other = dict(batch, token=batch["token"].masked_fill(padding, 20))
    assert objective(other)["loss"].item() == pytest.approx(expected, rel=1e-6)


def test_embeddings_computed_once_give_the_loss_and_gradients_of_embeddings_computed_twice(teacher, batch):
    results = []
    for shared in (True, False):
        student = bottom_layers(teacher, 2).eval()
        freeze(student, embeddings=True)
        loss = toplayer(student, teacher, 1.0, 10.0, shared)(batch)["loss"]
        results.append((loss.item(), gradients(student, teacher, batch, 1.0, 10.0, shared=shared)))
    (once, gradients_once), (twice, gradients_twice) = results
    assert once == pytest.approx(twice, rel=1e-6)
    assert gradients_once.keys() == gradients_twice.keys()
    for name in gradients_once:
        torch.testing.assert_close(gradients_once[name], gradients_twice[name])


# --- a whole hop ----------------------------------------------------------------------------------------------


def test_the_losses_of_a_tiny_hop_are_those_of_record(distilling, tmp_path):
    schedule = Schedule(5, learning_rate=1e-2, warmup=0.2, weight_decay=0.01)
    run = distilling(output=tmp_path / "2", checkpoints=tmp_path / "checkpoints", schedule=schedule)
    rows = [row for row in run.curve if row["split"] == "train"]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5]
    for part, expected in GOLDEN.items():
        assert [row[part] for row in rows] == pytest.approx(expected, rel=1e-4)


def test_the_loss_falls(distilling, tmp_path):
    schedule = Schedule(60, learning_rate=1e-2, warmup=0.1, weight_decay=0.0)
    run = distilling(
        output=tmp_path / "2", checkpoints=tmp_path / "checkpoints", schedule=schedule, checkpoint_seconds=60
    )
    held_out = [row["loss"] for row in run.curve if row["split"] == "held-out"]
    train = [row["loss"] for row in run.curve if row["split"] == "train"]
    assert len(held_out) == 2
    assert held_out[1] < held_out[0] < train[0]
    assert np.mean(train[-5:]) < 0.7 * np.mean(train[:5])


def test_a_hop_of_no_steps_is_a_pure_copy(distilling, teacher, teacher_folder, tmp_path):
    run = distilling(
        output=tmp_path / "2", checkpoints=tmp_path / "checkpoints", schedule=Schedule(0, 1e-2, 0.1, 0.01), dropout=0.1
    )
    copied = load_encoder(tmp_path / "2").state_dict()
    assert all(torch.equal(weight, teacher.state_dict()[name]) for name, weight in copied.items())
    assert (tmp_path / "2" / "tokenizer.json").read_bytes() == (teacher_folder / "tokenizer.json").read_bytes()
    assert run == Run()
    assert not (tmp_path / "checkpoints").exists()


def test_the_teacher_s_masked_language_model_head_is_carried_along(distilling, teacher_folder, tmp_path):
    schedule = Schedule(2, learning_rate=1e-2, warmup=0.0, weight_decay=0.1)
    distilling(output=tmp_path / "2", checkpoints=tmp_path / "checkpoints", schedule=schedule)
    expected, carried = load_mlm_head(teacher_folder), load_mlm_head(tmp_path / "2")
    assert expected is not None
    assert carried is not None
    assert expected.keys() == carried.keys()
    assert all(torch.equal(expected[name], carried[name]) for name in expected)


def test_the_seed_decides_the_text_that_a_hop_reads(distilling, tmp_path):
    weights = [
        distilling(output=tmp_path / name, checkpoints=tmp_path / f"of-{name}", seed=seed)
        and (tmp_path / name / "model.safetensors").read_bytes()
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    ]
    assert weights[0] == weights[1] != weights[2]


def test_a_hop_never_trains_on_held_out_documents(distilling, tmp_path, monkeypatch):
    """The batches of training steps are drawn in a thread of their own, measurements read in the main one."""
    read = {"trained": set(), "measured": set()}

    class Recording(Shard):
        def __getitem__(self, document):
            main = threading.current_thread() is threading.main_thread()
            read["measured" if main else "trained"].add(document)
            return super().__getitem__(document)

    monkeypatch.setattr(distillation, "Shard", Recording)
    schedule = Schedule(60, learning_rate=1e-3, warmup=0.1, weight_decay=0.0)
    distilling(output=tmp_path / "2", checkpoints=tmp_path / "checkpoints", schedule=schedule, checkpoint_seconds=60)
    assert read["measured"] == {118, 119}
    assert read["trained"] == set(range(118))


def test_a_hop_is_measured_without_dropout(distilling, tmp_path, monkeypatch):
    seen = []

    def spy(student, *rest):
        objective = toplayer(student, *rest)
        return lambda batch: seen.append(student.training) or objective(batch)

    monkeypatch.setattr(distillation, "toplayer", spy)
    distilling(
        output=tmp_path / "2", checkpoints=tmp_path / "checkpoints", schedule=Schedule(2, 1e-3, 0.0, 0.0), dropout=0.1
    )
    assert seen == [True] + [False] * 8 + [True] + [False] * 8
