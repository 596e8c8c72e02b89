"""Where compression hurts: language by language, what a hop could not match and what accuracy was lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.core.files import read_json
from camembert.paper.statistics import Model, ResultsError, by_run, on_task, runs_of, teacher_of
from camembert.plan.chain import parse_chain


def languages(accuracy: pd.DataFrame, metrics: Iterable[Path], models: Sequence[Model]) -> pd.DataFrame:
    """One row a language and a model that starts from a teacher's layers.

    Args:
        accuracy: the tidy table of accuracies; those of the task are shown.
        metrics: the metrics of every encoder, ``metrics/encoders/{recipe}/{chain}/r{run}.json``, which hold
            corpus_tokens ({language: tokens}) and, of what was trained, held_out ({language: {"loss": x}}).
        models: of the experiment.

    Returns:
        Language, corpus_tokens, corpus_share (0 to 1); recipe, chain, label, method; held_out_loss of the last hop at
        the end of its training, mean over the runs (NaN where that hop trained nothing); accuracy,
        teacher_accuracy and accuracy_change (shares).

    Raises:
        ResultsError: metrics without these facts, named by their file, or none of a model.
    """
    files = [(Path(path), read_json(path)) for path in metrics]
    wide = by_run(on_task(accuracy))
    names = [str(language) for language in wide]
    tokens = _tokens(files, names)
    rows = []
    for model in models:
        chain = parse_chain(model.chain)
        if chain.parent is None:
            continue
        teacher = runs_of(wide, teacher_of(model, models)).mean()
        own = runs_of(wide, model).mean()
        losses = _losses(files, model, names) if chain.budget else dict.fromkeys(names, float("nan"))
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


def _tokens(files: Sequence[tuple[Path, Mapping[str, Any]]], names: Sequence[str]) -> dict[str, int]:
    """Tokens of the corpus in each language, which all encoders share; a given teacher has seen none of it."""
    path, facts = next((file for file in files if "corpus_tokens" in file[1]), files[0])
    return {language: _fact(path, facts, "corpus_tokens", language) for language in names}


def _losses(files: Sequence[tuple[Path, Mapping[str, Any]]], model: Model, names: Sequence[str]) -> dict[str, float]:
    """Held-out loss of a model's last hop in each language, mean over the runs."""
    own = [(path, facts) for path, facts in files if (facts["recipe"], facts["chain"]) == (model.recipe, model.chain)]
    if not own:
        raise ResultsError(
            f"no metrics of the encoder {model.chain} under recipe {model.recipe}, a model of the experiment"
        )
    return {
        language: sum(_fact(path, facts, "held_out", language)["loss"] for path, facts in own) / len(own)
        for language in names
    }


def _fact(path: Path, facts: Mapping[str, Any], name: str, language: str) -> Any:
    if language not in facts.get(name, {}):
        raise ResultsError(f"{path} has no {name} of {language}; make that encoder again with this version")
    return facts[name][language]
