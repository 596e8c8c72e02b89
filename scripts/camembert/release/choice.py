"""What is released: which model, with which vocabulary, in which files.

It is pure: the rules ask here for candidates and forms before any job runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from camembert.core.files import read_json
from camembert.plan.chain import Chain, ChainError, check_against_teacher, parse_chain
from camembert.plan.experiment import Experiment, ModelId, identify_encoder

ENCODER, CLASSIFIER = "encoder", "classifier"
PYTORCH, ONNX, INT8 = "pytorch", "onnx", "onnx-int8"
FORMATS = {PYTORCH: "PyTorch", ONNX: "ONNX", INT8: "ONNX, 8-bit integers"}
"""Formats, and what tables call them."""
LARGEST_LOSS = 0.01
"""Share of the development examples that eight bits may lose without a warning."""


class ReleaseError(ValueError):
    """A release that cannot be made, with what to change."""


# --- the model ------------------------------------------------------------------------------------------------


def find_candidates(experiment: Experiment, release: Mapping[str, Any], teacher_layers: int) -> list[ModelId]:
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
    asked = {identify_encoder(chain, recipe, run) for chain in chains for recipe in recipes for run in experiment.runs}
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


def find_teachers(experiment: Experiment, students: Iterable[ModelId]) -> list[ModelId]:
    """The teacher's classifiers, which a release is compared with; none where the teacher itself is released."""
    own = [each for each in experiment.classifiers if each.encoder.chain.is_teacher]
    return [] if set(students).intersection(own) else own


def find_lineage(encoder: ModelId) -> list[ModelId]:
    """An encoder and all that it was made from, the root first."""
    return [identify_encoder(chain, encoder.recipe, encoder.run) for chain in encoder.chain.ancestry]


def check_languages(release: Mapping[str, Any], languages: list[str]) -> list[str]:
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


def choose_best(metrics: Iterable[str | Path]) -> dict[str, Any]:
    """Of some classifiers the one that is best on dev, the first of equals; the test sets have no say.

    Args:
        metrics: JSON files of their fine-tuning.

    Returns:
        recipe, chain, layers, run and fine-tuning of the best, its accuracy on dev, its path among the
        classifiers, and the accuracies of all by path.
    """
    found = {ModelId.read(facts).path: facts for facts in map(read_json, metrics)}
    path = max(found, key=lambda each: found[each]["dev_accuracy"])
    chosen = {key: found[path][key] for key in ("recipe", "chain", "layers", "run", "finetuning", "dev_accuracy")}
    return chosen | {"path": path, "candidates": {each: facts["dev_accuracy"] for each, facts in found.items()}}


# --- its forms ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReleaseForm:
    """One form of a released model, or of the teacher's classifier that it is compared with.

    Attributes:
        model: encoder or classifier.
        trimmed: whether the vocabulary is that of `release.vocabulary` and `release.languages` only.
        format: pytorch, onnx (both in float32) or onnx-int8.
        of_teacher: whether it is measured beside the release and not part of it.
    """

    model: str
    trimmed: bool = False
    format: str = PYTORCH
    of_teacher: bool = False

    @property
    def whose(self) -> str:
        """Which of the two models that are chosen it is made of."""
        return "teacher" if self.of_teacher else "student"

    @property
    def name(self) -> str:
        """Its folder: ``classifier-trimmed-onnx-int8``; of the teacher ``teacher-onnx-int8``."""
        parts = [self.whose if self.of_teacher else self.model, "trimmed" * self.trimmed]
        return "-".join(filter(None, [*parts, "" if self.format == PYTORCH else self.format]))

    @property
    def label(self) -> str:
        """What tables and model cards call it."""
        model = self.whose if self.model == CLASSIFIER else self.model
        return ", ".join([model.capitalize(), FORMATS[self.format], *(["trimmed vocabulary"] if self.trimmed else [])])


_ALL = [ReleaseForm(*each) for each in product((ENCODER, CLASSIFIER), (False, True), FORMATS)]
_ALL += [ReleaseForm(CLASSIFIER, format=each, of_teacher=True) for each in FORMATS]
FORMS = {form.name: form for form in _ALL}
"""All forms, by their names."""


def list_measured(released: list[str], with_teacher: bool) -> list[str]:
    """The forms that are tabulated: the teacher's in the formats of the released classifiers, and what is released.

    The classifier as it was trained is always among them, since the others are compared with it.

    Args:
        released: names of forms, `release.forms` in the config.
        with_teacher: whether the teacher has a classifier.
    """
    own = [name for name, form in FORMS.items() if not form.of_teacher and (name in released or name == CLASSIFIER)]
    formats = {FORMS[name].format for name in own if FORMS[name].model == CLASSIFIER}
    teachers = [name for name, form in FORMS.items() if form.of_teacher and form.format in formats]
    return [*(teachers if with_teacher else []), *own]
