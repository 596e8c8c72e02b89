"""The plan of an experiment: every encoder and classifier that its config asks for, each with its path.

It is pure: the Snakefile imports it before any job runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from camembert.plan.chain import Chain, Method, label_of, matched_direct, matched_scratch, method_of, parse_chain
from camembert.plan.flops import Shape
from camembert.plan.losses import LOSSES

TEACHER = "teacher"
"""Recipe of the teacher, which is pre-trained or given."""
UNTRAINED = "untrained"
"""Recipe of encoders that nothing was trained for: random weights, and layers copied from the teacher."""
MLM = "mlm"
"""Recipe of encoders pre-trained from scratch by masked language modelling."""
ROOT, PARENT = "root", "parent"
"""Whose soft labels classifiers learn: those of the teacher of their chain, or of the encoder one hop up."""
RESERVED_RECIPES = (TEACHER, UNTRAINED, MLM)


@dataclass(frozen=True)
class EncoderId:
    """What sets one encoder apart: its recipe, its chain and its run, 0 where all runs share it."""

    recipe: str
    chain: Chain
    run: int

    @property
    def path(self) -> str:
        """Its folder among the encoders: ``toplayer/6-4-2/r1``."""
        return f"{self.recipe}/{self.chain}/r{self.run}"

    @property
    def parent(self) -> EncoderId | None:
        """The teacher it is made from and distilled towards; None for a root and for random weights."""
        return encoder_of(self.chain.parent, self.recipe, self.run) if self.chain.parent else None


@dataclass(frozen=True)
class ClassifierId:
    """What sets one classifier apart: its encoder, its run, and which of the run's fine-tunings it is."""

    encoder: EncoderId
    run: int
    finetuning: int

    @property
    def path(self) -> str:
        """Its folder among the classifiers: ``toplayer/6-4-2/r1-f1``."""
        return f"{self.encoder.recipe}/{self.encoder.chain}/{self.name}"

    @property
    def name(self) -> str:
        """Which of its model's classifiers it is: ``r1-f1``."""
        return f"r{self.run}-f{self.finetuning}"

    def teacher(self, which: str) -> ClassifierId | None:
        """The classifier of its run whose soft labels it learns; None for what no encoder was cut into.

        Args:
            which: the key ``finetuning.teacher``: none, root (of its chain) or parent (one hop up).
        """
        encoder = self.encoder.parent if which in (ROOT, PARENT) else None
        while which == ROOT and encoder and encoder.parent:
            encoder = encoder.parent
        return replace(self, encoder=encoder) if encoder else None


def encoder_of(chain: Chain, recipe: str, run: int) -> EncoderId:
    """Identifies the encoder of a chain, leaving out the recipe and the run where it does not depend on them."""
    if chain.is_teacher:
        recipe = TEACHER
    elif not chain.is_distilled:
        recipe = MLM if any(link.is_pretrained_from_scratch for link in chain.ancestry) else UNTRAINED
    return EncoderId(recipe, chain, run if chain.depends_on_run else 0)


REFERENCES = (Method.TEACHER, Method.COPIED, Method.ASSISTANT)
"""What students are held against, or come from; a short run fine-tunes these less often."""


@dataclass(frozen=True)
class Experiment:
    """What a config asks for.

    Attributes:
        chains: every chain that is built, each once, in the order of tables and figures.
        matched: those of them whose budget was computed to equal the training compute of a cascade.
        recipes, runs, scratch_runs, finetunings: as in the config.
        finetuned_runs: those of the runs that fine-tune classifiers.
        reference_runs: those of them that do so for references too (`REFERENCES`).
    """

    chains: tuple[Chain, ...]
    matched: frozenset[Chain]
    recipes: tuple[str, ...]
    runs: tuple[int, ...]
    scratch_runs: int
    finetunings: int
    finetuned_runs: tuple[int, ...]
    reference_runs: tuple[int, ...]

    @property
    def encoders(self) -> list[EncoderId]:
        """Every encoder that is built, chain by chain."""
        return list(
            dict.fromkeys(
                encoder_of(chain, recipe, run)
                for chain, recipe in product(self.chains, self.recipes)
                for run in (self.runs if chain.root else self.runs[: self.scratch_runs])
            )
        )

    @property
    def classifiers(self) -> list[ClassifierId]:
        """Every classifier that is built: in every run that fine-tunes, each of its encoders so many times."""
        return [
            ClassifierId(encoder, run, finetuning)
            for encoder in self.encoders
            for run in ([encoder.run] if encoder.chain.depends_on_run else self.runs)
            if run in (self.reference_runs if self.method(encoder.chain) in REFERENCES else self.finetuned_runs)
            for finetuning in range(1, self.finetunings + 1)
        ]

    @property
    def makes_encoders(self) -> bool:
        """Whether there is any encoder but the teacher; their rules read text, also where nothing trains on it."""
        return any(not chain.is_teacher for chain in self.chains)

    def reads_text(self, config: dict[str, Any]) -> bool:
        """Whether any encoder is trained on text here."""
        return config["teacher"]["source"] == "pretrain" or self.makes_encoders

    def method(self, chain: Chain) -> Method:
        """What a chain stands for in the comparison."""
        return method_of(chain, self.chains)

    def label(self, chain: Chain) -> str:
        """Display name of a chain."""
        return label_of(chain, self.chains, self.matched)


def experiment_of(config: dict[str, Any]) -> Experiment:
    """Works out what a config that passed `check_config` asks for.

    Chains computed from ``compute_matched``, teacher assistants and the teacher are added to what is listed.
    Chains are ordered by method, the teacher first and cascades last, then from deep to shallow.
    """
    controls = controls_of(config)
    matched = [control for pair in controls.values() for control in pair]
    asked = [*map(parse_chain, config["chains"]), *controls, *matched]
    built = [chain for chain in asked if chain.root or config["scratch_runs"]]
    chains = list(dict.fromkeys(link for chain in built for link in chain.ancestry))
    methods = list(Method)
    return Experiment(
        chains=tuple(sorted(chains, key=lambda chain: (methods.index(method_of(chain, chains)), -chain.layers))),
        matched=frozenset(matched).intersection(chains),
        recipes=tuple(config["recipes"]),
        runs=tuple(config["runs"]),
        scratch_runs=config["scratch_runs"],
        finetunings=config["finetunings"],
        finetuned_runs=tuple(config["runs"][: config["finetuned_runs"]]),
        reference_runs=tuple(config["runs"][: config["finetuned_runs"]][: config["reference_runs"]]),
    )


def stages_of(config: dict[str, Any], experiment: Experiment) -> list[str]:
    """Of the stages that may use GPUs those that an experiment has jobs of, by their names under `resources`."""
    pretrains = config["teacher"]["source"] == "pretrain" or any(
        chain.is_pretrained_from_scratch for chain in experiment.chains
    )
    distils = any(chain.is_distilled for chain in experiment.chains)
    return ["pretraining"] * pretrains + ["distillation"] * distils + ["finetuning", "evaluation", "efficiency"]


def masks_tokens(config: dict[str, Any], experiment: Experiment) -> list[str]:
    """What of an experiment masks tokens and so needs a tokenizer with a mask token, in words."""
    losses = {name: config["distillation"]["recipes"][name]["loss"] for name in config["recipes"]}
    recipes = [f"recipe {name} (loss {loss})" for name, loss in losses.items() if LOSSES[loss].predicts_words]
    return recipes + [f"chain {chain}" for chain in experiment.chains if chain.is_pretrained_from_scratch]


def controls_of(config: dict[str, Any]) -> dict[Chain, tuple[Chain, Chain]]:
    """For each cascade of ``compute_matched``: the direct student and the one from scratch with its training FLOPs."""
    head_passes = shape_of(config).mlm_head_passes(
        config["text"]["sequence_length"], config["pretraining"]["mlm_probability"]
    )
    cascades = map(parse_chain, config["compute_matched"])
    return {cascade: (matched_direct(cascade), matched_scratch(cascade, head_passes)) for cascade in cascades}


def shape_of(config: dict[str, Any]) -> Shape:
    """The shape of the experiment's encoders; students have their teacher's."""
    return Shape(
        config["teacher"]["hidden_size"], config["teacher"]["intermediate_size"], config["tokenizer"]["vocab_size"]
    )
