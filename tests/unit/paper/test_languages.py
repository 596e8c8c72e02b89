"""Where compression hurts, language by language."""

import numpy as np
import pandas as pd
import pytest

from camembert.paper.statistics import Model, ResultsError
from camembert.paper.tables.languages import languages
from camembert.plan.chain import Method

TEACHER = Model("teacher", "6", "Teacher (6 layers)", Method.TEACHER)
SCRATCH = Model("mlm", "0-2x2", "From scratch 0-2x2", Method.SCRATCH)
COPIED = Model("untrained", "6-2x0", "Copied layers 6-2x0", Method.COPIED)
DIRECT = Model("toplayer", "6-2", "Direct 6-2", Method.DIRECT)
MODELS = [TEACHER, SCRATCH, COPIED, DIRECT]
TOKENS = {"en": 300, "ur": 100}


@pytest.fixture
def accuracy():
    rows = [
        (model.recipe, model.chain, 1, 1, language, 0.8 - 0.1 * i - 0.05 * (language == "ur") * i)
        for i, model in enumerate(MODELS)
        for language in TOKENS
    ]
    return pd.DataFrame(rows, columns=["recipe", "chain", "run", "finetuning", "language", "accuracy"])


@pytest.fixture
def metrics():
    """Metrics of all encoders, two runs of the direct student."""
    found = []
    for model, loss in ((TEACHER, 9.0), (SCRATCH, 9.0), (COPIED, None), (DIRECT, 0.2), (DIRECT, 0.4)):
        held_out = {language: {"loss": loss + 0.1 * i} for i, language in enumerate(TOKENS)} if loss else {}
        facts = {"recipe": model.recipe, "chain": model.chain, "corpus_tokens": TOKENS, "held_out": held_out}
        found.append(facts)
    return found


def test_a_row_says_what_was_lost_what_could_not_be_matched_and_how_much_text_there_was(accuracy, metrics):
    rows = languages(accuracy, metrics, MODELS).set_index(["chain", "language"])
    assert len(rows) == 2 * 2  # what has no teacher is not compressed
    urdu = rows.loc["6-2", "ur"]
    assert urdu["corpus_share"] == 0.25
    assert urdu["held_out_loss"] == pytest.approx(0.4)  # mean of 0.3 and 0.5
    assert urdu["accuracy_change"] == pytest.approx(-0.3 - 0.15)
    assert np.isnan(rows.loc["6-2x0", "en"]["held_out_loss"])


def test_a_given_teacher_has_no_corpus_and_changes_nothing(accuracy, metrics):
    expected = languages(accuracy, metrics, MODELS)
    del metrics[0]["corpus_tokens"]
    pd.testing.assert_frame_equal(languages(accuracy, metrics, MODELS), expected)


def test_nothing_compressed_is_refused(accuracy, metrics):
    with pytest.raises(ResultsError, match="no model starts from a teacher's layers"):
        languages(accuracy, metrics, [TEACHER, SCRATCH])
