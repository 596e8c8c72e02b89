"""The plan of an experiment: every encoder and classifier that its config asks for, and which of them are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple, Self

from camembert.plan.chain import Chain, Hop, Method, Shape, classify, match_direct, match_scratch, parse_chain
from camembert.plan.losses import LOSSES

TEACHER = "teacher"
"""Recipe of the teacher, which is pre-trained or given."""
UNTRAINED = "untrained"
"""Recipe of encoders that nothing was trained for: random weights, and layers copied from the teacher."""
MLM = "mlm"
"""Recipe of encoders pre-trained from scratch by masked language modelling."""
RESERVED_RECIPES = (TEACHER, UNTRAINED, MLM, "baseline")
ROOT, PARENT = "root", "parent"
"""Whose soft labels classifiers learn: those of the teacher of their chain, or of the encoder one hop up."""
REFERENCES = (Method.TEACHER, Method.COPIED, Method.ASSISTANT)
"""What students are held against, or come from; a short run fine-tunes these less often."""
STUDENTS = (Method.DIRECT, Method.DIRECT_LONGER, Method.ASSISTANT, Method.CASCADE)
"""Methods that distil."""


@dataclass(frozen=True)
class ModelId:
    """What sets one model apart, in paths, wildcards and metrics: an encoder, or a classifier fine-tuned from it.

    Attributes:
        recipe: how it was made; the same for an encoder and its classifiers.
        chain: from which teachers.
        run: in which run; 0 for an encoder that all runs share.
        finetuning: of a classifier which of the run's fine-tunings it is, from 1; None for an encoder.
    """

    recipe: str
    chain: Chain
    run: int
    finetuning: int | None = None

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Self:
        """Reads it from wildcards or metrics of a job, which have its parts by name."""
        finetuning = facts.get("finetuning")
        chain, run = parse_chain(facts["chain"]), int(facts["run"])
        return cls(facts["recipe"], chain, run, None if finetuning is None else int(finetuning))

    @property
    def path(self) -> str:
        """Its place among the encoders, ``toplayer/6-4-2/r1``, or the classifiers, ``toplayer/6-4-2/r1-f1``."""
        return f"{self.recipe}/{self.chain}/r{self.run}" + (f"-f{self.finetuning}" if self.finetuning else "")

    @property
    def encoder(self) -> ModelId:
        """The encoder that a classifier is fine-tuned from; an encoder itself."""
        return identify_encoder(self.chain, self.recipe, self.run)

    @property
    def parent(self) -> ModelId | None:
        """The model one hop up: the teacher of an encoder, or its classifier of the same run. None for a root."""
        if not self.chain.parent:
            return None
        encoder = identify_encoder(self.chain.parent, self.recipe, self.run)
        return encoder if self.finetuning is None else encoder.classifier(self.run, self.finetuning)

    def classifier(self, run: int, finetuning: int) -> ModelId:
        """The classifier of this encoder by its run and its number in the run."""
        return replace(self, run=run, finetuning=finetuning)

    def teacher(self, which: str) -> ModelId | None:
        """The classifier whose soft labels a classifier learns; None for what was not cut from an encoder.

        Args:
            which: the key ``finetuning.teacher``: none, root (of its chain) or parent (one hop up).
        """
        teacher = self.parent if which in (ROOT, PARENT) else None
        while which == ROOT and teacher and teacher.parent:
            teacher = teacher.parent
        return teacher


def identify_encoder(chain: Chain, recipe: str, run: int) -> ModelId:
    """Identifies the encoder of a chain, leaving out the recipe and the run where it does not depend on them."""
    if chain.is_teacher:
        recipe = TEACHER
    elif not chain.is_distilled:
        recipe = MLM if any(link.is_pretrained_from_scratch for link in chain.ancestry) else UNTRAINED
    return ModelId(recipe, chain, run if chain.depends_on_run else 0)


@dataclass(frozen=True)
class Experiment:
    """What a config asks for.

    Attributes:
        chains: every chain that is built, each once, by method, the teacher first and cascades last, then from deep to
            shallow: the order of tables and figures.
        matched: those of them whose budget was computed to equal the training compute of a cascade.
        recipes, runs: as in the config.
        encoders: every encoder that is built, chain by chain.
        classifiers: every classifier, encoder by encoder.
    """

    chains: list[Chain]
    matched: set[Chain]
    recipes: list[str]
    runs: list[int]
    encoders: list[ModelId]
    classifiers: list[ModelId]

    def reads_text(self, config: Mapping[str, Any]) -> bool:
        """Whether any encoder is trained on text here; rules of students read it also where nothing trains on it."""
        return config["teacher"]["source"] == "pretrain" or any(not chain.is_teacher for chain in self.chains)

    def method(self, chain: Chain) -> Method:
        """What a chain stands for in the comparison."""
        return classify(chain, self.chains)

    def label(self, chain: Chain) -> str:
        """Display name of a chain for tables and figures."""
        method = self.method(chain)
        if method is Method.TEACHER:
            return f"Teacher ({chain.layers} layers)"
        if chain in self.matched:
            return f"{'From scratch' if chain.root == 0 else 'Direct'}, equal compute {chain}"
        return f"{method.value.capitalize()} {chain}"


def plan_experiment(config: Mapping[str, Any]) -> Experiment:
    """Works out what a config that passed `check_config` asks for.

    Chains computed from ``compute_matched``, teacher assistants and the teacher are added to what is listed.
    """
    controls, runs, methods = match_compute(config), config["runs"], list(Method)
    matched = [control for pair in controls.values() for control in pair]
    asked = [*map(parse_chain, config["chains"]), *controls, *matched]
    built = [chain for chain in asked if chain.root or config["scratch_runs"]]
    chains = list(dict.fromkeys(link for chain in built for link in chain.ancestry))
    method = {chain: classify(chain, chains) for chain in chains}
    chains.sort(key=lambda chain: (methods.index(method[chain]), -chain.layers))
    encoders = dict.fromkeys(
        identify_encoder(chain, recipe, run)
        for chain, recipe in product(chains, config["recipes"])
        for run in (runs if chain.root else runs[: config["scratch_runs"]])
    )
    finetuned = runs[: config["finetuned_runs"]]
    references = finetuned[: config["reference_runs"]]
    classifiers = [
        encoder.classifier(run, finetuning)
        for encoder in encoders
        for run in ([encoder.run] if encoder.chain.depends_on_run else runs)
        if run in (references if method[encoder.chain] in REFERENCES else finetuned)
        for finetuning in range(1, config["finetunings"] + 1)
    ]
    return Experiment(chains, set(matched) & set(chains), config["recipes"], runs, list(encoders), classifiers)


def match_compute(config: Mapping[str, Any]) -> dict[Chain, tuple[Chain, Chain]]:
    """For each cascade of ``compute_matched``: the direct student and the one from scratch with its training FLOPs."""
    row, mask = config["text"]["sequence_length"], config["pretraining"]["mlm_probability"]
    head_passes = compute_shape(config).mlm_head_passes(row, mask)
    cascades = map(parse_chain, config["compute_matched"])
    return {cascade: (match_direct(cascade), match_scratch(cascade, head_passes)) for cascade in cascades}


def compute_shape(config: Mapping[str, Any]) -> Shape:
    """The shape of the experiment's encoders; students have their teacher's."""
    teacher = config["teacher"]
    return Shape(teacher["hidden_size"], teacher["intermediate_size"], config["tokenizer"]["vocab_size"])


def list_stages(config: Mapping[str, Any], experiment: Experiment) -> list[str]:
    """Of the stages that may use GPUs those that an experiment has jobs of, by their names under `resources`."""
    pretrains = config["teacher"]["source"] == "pretrain" or any(chain.root == 0 for chain in experiment.chains)
    distils = any(chain.parent for chain in experiment.chains)
    return ["pretraining"] * pretrains + ["distillation"] * distils + ["finetuning", "evaluation", "efficiency"]


def list_masking(config: Mapping[str, Any], experiment: Experiment) -> list[str]:
    """What of an experiment masks tokens and so needs a tokenizer with a mask token, in words."""
    losses = {name: config["distillation"]["recipes"][name]["loss"] for name in config["recipes"]}
    recipes = [f"recipe {name} (loss {loss})" for name, loss in losses.items() if LOSSES[loss].predicts_words]
    return recipes + [f"chain {chain}" for chain in experiment.chains if chain.is_pretrained_from_scratch]


# --- comparisons --------------------------------------------------------------------------------------------------


class Contrast(StrEnum):
    """What a model is compared with: the names of ``comparisons.planned`` in the config, and other."""

    DIRECT_EQUAL_COMPUTE = "direct_equal_compute"
    DIRECT = "direct"
    SCRATCH_EQUAL_COMPUTE = "scratch_equal_compute"
    COPIED_LAYERS = "copied_layers"
    TEACHER = "teacher"
    OTHER = "other"


QUESTIONS = (Contrast.DIRECT_EQUAL_COMPUTE, Contrast.OTHER)
"""What an experiment is about: does a cascade pay, and what the config asks by name."""


class PlannedComparison(NamedTuple):
    """A pair of models, each its recipe and chain: how far is the first above the second?"""

    contrast: Contrast
    first: tuple[str, str]
    second: tuple[str, str]


def plan_comparisons(config: Mapping[str, Any], experiment: Experiment) -> list[PlannedComparison]:
    """Works out the comparisons a config plans, recipe by recipe, in the order of its contrasts.

    A contrast whose second model the experiment does not hold, such as copied layers of that depth, has no pair.
    """
    controls = match_compute(config)

    def find_others(chain: Chain) -> dict[Contrast, Chain]:
        method, others = experiment.method(chain), dict[Contrast, Chain]()
        if method is Method.CASCADE:
            others[Contrast.DIRECT] = Chain(chain.root, (Hop(chain.layers, 1.0),))
            if chain in controls:
                others[Contrast.DIRECT_EQUAL_COMPUTE], others[Contrast.SCRATCH_EQUAL_COMPUTE] = controls[chain]
        if method in STUDENTS and chain.root:
            others[Contrast.COPIED_LAYERS] = Chain(chain.root, (Hop(chain.layers, 0.0),))
            others[Contrast.TEACHER] = Chain(chain.root, ())
        return others

    def name(chain: Chain, recipe: str) -> tuple[str, str]:
        return identify_encoder(chain, recipe, 0).recipe, str(chain)

    pairs = [
        (contrast, chain, others[contrast])
        for contrast in map(Contrast, config["comparisons"]["planned"])
        for chain in experiment.chains
        if contrast in (others := find_others(chain))
    ]
    pairs += [
        (Contrast.OTHER, parse_chain(first), parse_chain(second)) for first, second in config["comparisons"]["pairs"]
    ]
    return list(
        dict.fromkeys(
            PlannedComparison(contrast, name(first, recipe), name(second, recipe))
            for contrast, first, second in pairs
            if second in experiment.chains
            for recipe in experiment.recipes
        )
    )
