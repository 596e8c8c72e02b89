"""Variance of a teacher's states, and a last LayerNorm fitted to them, against plain computations by document."""

import copy

import numpy as np
import pytest
import torch
from students import bottom_layers

from camembert.plan.losses import Recipe
from camembert.training.distillation import distillation_objective, fit_layer_norm, measure_variance
from camembert.training.packed_text import packed_batches


@pytest.fixture
def drawn(batches):
    return [packed_batches(batches, None)(step) for step in range(3)]


def states_of(encoder, batches):
    """Hidden states of every document, which is read alone: (layers, tokens, hidden) each."""
    found = []
    for batch in batches:
        for token, segment, documents in zip(batch["token"], batch["segment"], batch["document"], strict=True):
            for number in range(int(documents.max()) + 1):
                here = documents == number
                inputs = {"input_ids": token[here][None], "token_type_ids": segment[here][None]}
                with torch.no_grad():
                    states = encoder(**inputs, output_hidden_states=True).hidden_states
                found.append(torch.cat(states).double().numpy())
    return found


def test_the_variance_is_that_of_all_tokens_and_of_all_documents_means(teacher, drawn):
    measured, states = measure_variance(teacher, drawn), states_of(teacher, drawn)
    tokens = np.concatenate(states, axis=1)
    assert len(states) > 12, "several documents a row"
    assert measured["states"] == pytest.approx(tokens.var(axis=1).mean(axis=1).tolist(), rel=1e-5)
    means = np.stack([document.mean(axis=1) for document in states], axis=1)
    assert measured["sentence"] == pytest.approx(means.var(axis=1).mean(axis=1).tolist(), rel=1e-4)


def test_a_constant_leaves_all_of_the_variance_unexplained(teacher, drawn):
    top = torch.tensor(np.concatenate(states_of(teacher, drawn[:1]), axis=1)[-1])
    student = bottom_layers(teacher, 2).eval()
    norm = student.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        norm.weight.zero_()
        norm.bias.copy_(top.mean(0))
    recipe = Recipe("toplayer", {"hidden": 1.0, "attention": 0.0}, normalise=True)
    objective = distillation_objective(recipe, student, teacher, variance=measure_variance(teacher, drawn[:1]))
    assert objective(drawn[0])["hidden_unexplained"].item() == pytest.approx(1.0, rel=1e-5)


def test_the_fitted_layer_norm_is_the_least_squares_fit_of_every_unit(teacher, drawn):
    student = bottom_layers(teacher, 2).train()
    s, t = (
        np.concatenate(states_of(encoder, drawn), axis=1)[-1] for encoder in (copy.deepcopy(student).eval(), teacher)
    )
    fitted = np.stack([np.polyval(np.polyfit(s[:, unit], t[:, unit], 1), s[:, unit]) for unit in range(s.shape[1])], 1)
    fit_layer_norm(student, teacher, drawn)
    assert student.training, "left in the mode it was in"
    now = np.concatenate(states_of(student.eval(), drawn), axis=1)[-1]
    np.testing.assert_allclose(now, fitted, atol=1e-4)
    assert ((now - t) ** 2).mean() < t.var(axis=0).mean() < ((s - t) ** 2).mean()
