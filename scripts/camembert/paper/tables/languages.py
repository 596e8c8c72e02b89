"""Where compression hurts: language by language, what a hop could not match and what accuracy was lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from camembert.paper.statistics import Model, ResultsError, by_run, runs_of, teacher_of
from camembert.plan.chain import parse_chain


def languages(accuracy: pd.DataFrame, metrics: Iterable[Mapping[str, Any]], models: Sequence[Model]) -> pd.DataFrame:
    """One row a language and a model that starts from a teacher's layers.

    Args:
        accuracy: tidy accuracies of the task.
        metrics: of every encoder, which hold corpus_tokens ({language: tokens}) and, of what was trained, held_out
            ({language: {"loss": x}}).
        models: of the experiment.

    Returns:
        Language, corpus_tokens, corpus_share (0 to 1); recipe, chain, label, method; held_out_loss of the last hop at
        the end of its training, mean over the runs (NaN where that hop trained nothing); accuracy,
        teacher_accuracy and accuracy_change (shares).

    Raises:
        ResultsError: no model starts from a teacher's layers.
    """
    metrics = list(metrics)
    wide = by_run(accuracy)
    names = [str(language) for language in wide]
    # of the corpus, which all encoders share; a given teacher has seen none of it
    tokens = next(facts["corpus_tokens"] for facts in metrics if facts.get("corpus_tokens"))
    rows = []
    for model in models:
        chain = parse_chain(model.chain)
        if chain.parent is None:
            continue
        teacher = runs_of(wide, teacher_of(model, models)).mean()
        own = runs_of(wide, model).mean()
        losses = _losses(metrics, model, names) if chain.budget else dict.fromkeys(names, float("nan"))
        rows += [
            {
                "language": language,
                "corpus_tokens": tokens[language],
                "corpus_share": tokens[language] / sum(tokens.values()),
                "recipe": model.recipe,
                "chain": model.chain,
                "label": model.label,
                "method": str(model.method),
                "held_out_loss": losses[language],
                "accuracy": own[language],
                "teacher_accuracy": teacher[language],
                "accuracy_change": own[language] - teacher[language],
            }
            for language in names
        ]
    if not rows:
        raise ResultsError(
            "no model starts from a teacher's layers; there is no compression to show language by language"
        )
    return pd.DataFrame(rows)


def _losses(metrics: Iterable[Mapping[str, Any]], model: Model, names: Sequence[str]) -> dict[str, float]:
    """Held-out loss of a model's last hop in each language, mean over the runs."""
    own = [facts["held_out"] for facts in metrics if (facts["recipe"], facts["chain"]) == (model.recipe, model.chain)]
    return {language: sum(held_out[language]["loss"] for held_out in own) / len(own) for language in names}
