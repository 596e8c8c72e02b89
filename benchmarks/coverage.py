"""How often the 95 % intervals of this project hold the truth, on simulated experiments whose truth is known.

    PYTHONPATH=scripts python benchmarks/coverage.py        prints the table of docs/statistics.md

An answer is right where a normal number is above zero: what the model and the language are worth, plus what the
distillation seed, the fine-tuning seed and the pair add, plus what only this run makes of this pair and chance. A
pair and its translations share what the pair adds. The true accuracy is then a normal integral.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from camembert.paper.intervals import interval

SIMULATIONS = 1000
PAIRS = 300
LANGUAGES = np.array([0.6, 0.2, -0.1])  # how easy each is
RUNS_VARY = {"little": 0.02, "as much as the pairs": 0.09, "most": 0.25}  # standard deviation of what a seed adds
PAIR, PAIR_AND_RUN = 1.0, 0.7  # standard deviations of what a pair adds, and a run of that pair
GAIN = 0.15  # by which the second model is worth less than the first


def truth(worth: float, seeds: float, kinds: int) -> float:
    """True accuracy of a model, over all seeds and pairs there could be; `kinds` of seed vary."""
    deviation = np.sqrt(1 + kinds * seeds**2 + PAIR**2 + PAIR_AND_RUN**2)
    return float(stats.norm.cdf((worth + LANGUAGES) / deviation).mean())


def scores(
    draw: np.random.Generator, worth: float, seeds: float, shape: tuple[int, int], pair: np.ndarray, kinds: int
) -> np.ndarray:
    """Scores (distillation seeds, fine-tuning seeds, pairs) of one model, means over the languages."""
    first, second = shape
    latent = (
        worth
        + seeds * draw.normal(size=(1, second, 1))
        + (seeds * draw.normal(size=(first, 1, 1)) if kinds > 1 else 0.0)
        + pair
        + PAIR_AND_RUN * draw.normal(size=(first, second, PAIRS))
    )[..., None] + LANGUAGES
    return np.asarray((latent + draw.normal(size=latent.shape) > 0).mean(axis=-1))


def coverage(shape: tuple[int, int], seeds: float, compared: bool, simulations: int = SIMULATIONS) -> float:
    """Share of simulated experiments whose interval holds the truth.

    Args:
        shape: numbers of distillation seeds and of fine-tuning seeds; one distillation seed stands for no variation.
        seeds: standard deviation of what a seed adds.
        compared: the difference of two models instead of the mean of one.
        simulations: experiments.
    """
    draw = np.random.default_rng(0)
    kinds = 1 if shape[0] == 1 else 2
    true = truth(GAIN, seeds, kinds) - (truth(0.0, seeds, kinds) if compared else 0.0)
    held = 0
    for _ in range(simulations):
        pair = PAIR * draw.normal(size=PAIRS)
        models = [scores(draw, worth, seeds, shape, pair, kinds) for worth in (GAIN, 0.0)[: 1 + compared]]
        found = interval(*models)
        held += found.low <= true <= found.high
    return held / simulations


def main() -> None:
    """Prints the coverage of every design."""
    print("| Distillation seeds | Fine-tuning seeds | Runs vary | One model | Difference of two |")
    print("|---:|---:|:---|---:|---:|")
    for shape in ((1, 2), (1, 3), (1, 5), (1, 20), (2, 5), (3, 3), (5, 5)):
        for name, seeds in RUNS_VARY.items():
            found = [f"{100 * coverage(shape, seeds, compared):.1f}" for compared in (False, True)]
            print(f"| {shape[0]} | {shape[1]} | {name} | {found[0]} | {found[1]} |")


if __name__ == "__main__":
    main()
