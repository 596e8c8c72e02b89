"""Which model is released. It is pure: the rules ask here for the candidates before any job runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.core.files import read_json
from camembert.plan.chain import Chain, ChainError, check_against_teacher, parse_chain
from camembert.plan.experiment import ClassifierId, Experiment, encoder_of


class ReleaseError(ValueError):
    """A release that cannot be made, with what to change."""


def candidates(experiment: Experiment, release: Mapping[str, Any], teacher_layers: int) -> list[ClassifierId]:
    """The classifiers that a release is chosen among, of all runs.

    They are those of `release.chain`; where it is null, of the direct students of `release.layers` layers, or of as
    few as any student has. A cascade has to be named: `release.chain` alone releases one.

    Args:
        experiment: what is built.
        release: as in the config.
        teacher_layers: layers of the teacher.

    Raises:
        ReleaseError: there are none.
    """
    chains = _chains(experiment, release, teacher_layers)
    recipes = [release["recipe"]] if release["recipe"] else experiment.recipes
    asked = {encoder_of(chain, recipe, run) for chain in chains for recipe in recipes for run in experiment.runs}
    if not asked.intersection(experiment.encoders):
        raise ReleaseError(
            f"release names chain {' or '.join(map(str, chains))} of recipe {' or '.join(recipes)}, which this"
            f" experiment does not build; expected one of chains {', '.join(map(str, experiment.chains))} and recipes"
            f" {', '.join(experiment.recipes)}: correct release.chain or release.recipe"
        )
    found = [classifier for classifier in experiment.classifiers if classifier.encoder in asked]
    if not found:
        raise ReleaseError(
            "finetuned_runs is 0, so that there is no classifier to release nor to choose an encoder by; set"
            " finetuned_runs: 1 (or null for all runs)"
        )
    return found


def _chains(experiment: Experiment, release: Mapping[str, Any], teacher_layers: int) -> list[Chain]:
    layers = release["layers"]
    if release["chain"] is not None:
        try:
            chain = parse_chain(str(release["chain"]))
            check_against_teacher(chain, teacher_layers)
        except ChainError as error:
            raise ReleaseError(f"release.chain: {error}") from None
        if layers not in (None, chain.layers):
            raise ReleaseError(f"release.chain is {chain}, but release.layers is {layers}; set one of them to null")
        return [chain]
    students = [chain for chain in experiment.chains if chain.root and chain.hops]
    depth = layers or min((chain.layers for chain in students), default=1)
    direct = [chain for chain in students if len(chain.hops) == 1 and chain.layers == depth]
    if not direct:
        raise ReleaseError(
            f"chains has no direct student of {depth} layers to release, but {', '.join(map(str, experiment.chains))};"
            f" add '{teacher_layers}-{depth}', or name what to release in release.chain"
        )
    return direct


def teacher_candidates(experiment: Experiment, students: Iterable[ClassifierId]) -> list[ClassifierId]:
    """The teacher's classifiers, which a release is compared with; none where the teacher itself is released."""
    students = set(students)
    own = [each for each in experiment.classifiers if each.encoder.chain.is_teacher]
    return [] if students.intersection(own) else own


def lineage(classifiers: Iterable[ClassifierId]) -> list[str]:
    """Paths of all encoders on the way to some classifiers, the roots first."""
    paths: dict[str, None] = {}
    for classifier in classifiers:
        for chain in classifier.encoder.chain.ancestry:
            encoder = encoder_of(chain, classifier.encoder.recipe, classifier.encoder.run)
            paths[encoder.path] = None
    return list(paths)


def languages_kept(release: Mapping[str, Any], languages: list[str]) -> list[str]:
    """The languages whose tokens a trimmed vocabulary keeps.

    Raises:
        ReleaseError: one of them is none of the experiment's.
    """
    for language in release["languages"] or []:
        if language not in languages:
            raise ReleaseError(
                f"release.languages names {language}, expected languages of this experiment ({', '.join(languages)});"
                " correct release.languages, or set it to null for all of them"
            )
    return release["languages"] or languages


def best_on_dev(metrics: Iterable[str | Path]) -> dict[str, Any]:
    """Of some classifiers the one that is best on dev, the first of equals; the test sets have no say.

    Args:
        metrics: JSON files of their fine-tuning.

    Returns:
        recipe, chain, layers, run and fine-tuning of the best, its accuracy on dev, its path among the
        classifiers, and the accuracies of all by path.
    """
    found = {path_of(facts): facts for facts in map(read_json, metrics)}
    path = max(found, key=lambda each: found[each]["dev_accuracy"])
    chosen = {key: found[path][key] for key in ("recipe", "chain", "layers", "run", "finetuning", "dev_accuracy")}
    return chosen | {"path": path, "candidates": {each: facts["dev_accuracy"] for each, facts in found.items()}}


def path_of(facts: Mapping[str, Any]) -> str:
    """The path of a classifier among the classifiers, by its metrics: ``toplayer/6-4-2/r1-f1``."""
    return f"{facts['recipe']}/{facts['chain']}/r{facts['run']}-f{facts['finetuning']}"
