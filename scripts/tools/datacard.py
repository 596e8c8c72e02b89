"""The data card of CLDR-NLI: sizes, guards against shortcuts, and pairs that a person can read."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from scipy.sparse import hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from camembert.data import cldr_nli as nli
from camembert.data.cldr import Proposition, draw_documents
from camembert.data.cldr_nli import FAMILIES, LABELS
from camembert.data.tasks import Example

SCRIPTS = {
    "ar": "ARABIC",
    "bg": "CYRILLIC",
    "el": "GREEK",
    "hi": "DEVANAGARI",
    "ru": "CYRILLIC",
    "th": "THAI",
    "ur": "ARABIC",
    "zh": "CJK",
}
"""How Unicode names the letters of a language; LATIN for the others."""
ORDINAL_SIGNS = "ªº"


def foreign_letters(text: str, language: str) -> set[str]:
    """Letters that are not of the language's script: what a fallback to English or to a CLDR key would leave."""
    script = SCRIPTS.get(language, "LATIN")
    letters = {
        letter for letter in text if unicodedata.category(letter).startswith("L") and letter not in ORDINAL_SIGNS
    }
    return {letter for letter in letters if not unicodedata.name(letter).startswith(script)}


def baseline_accuracies(train: Sequence[Example], dev: Sequence[Example]) -> dict[str, float]:
    """Accuracy on dev of linear models that cannot relate a hypothesis to a premise.

    Logistic regression on counts of words and pairs of words: of the hypothesis alone, of the premise alone,
    and of both side by side.
    """
    features = {}
    for part, column in (("hypothesis", "text_pair"), ("premise", "text")):
        counts = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+")
        texts = [[getattr(pair, column) for pair in pairs] for pairs in (train, dev)]
        features[f"{part} only"] = (counts.fit_transform(texts[0]), counts.transform(texts[1]))
    both = zip(*features.values(), strict=True)
    features["premise and hypothesis"] = tuple(hstack(parts).tocsr() for parts in both)
    labels, dev_labels = ([pair.label for pair in pairs] for pairs in (train, dev))
    return {
        name: float(LogisticRegression(max_iter=300).fit(train_x, labels).score(dev_x, dev_labels))
        for name, (train_x, dev_x) in features.items()
    }


def family_of(pair: Example) -> str:
    """The family of a pair, which its id carries."""
    return pair.id.rsplit("-", 1)[1]


def hypotheses_by_label(pairs: Iterable[Example]) -> pd.DataFrame:
    """How often each label has each hypothesis: families and hypotheses by labels."""
    rows = Counter((family_of(pair), pair.text_pair, LABELS[pair.label]) for pair in pairs)
    counts = pd.Series(rows).rename_axis(["family", "hypothesis", "label"])
    return counts.unstack("label", fill_value=0)


def relevant_fact(pair: nli.NliPair) -> tuple[Proposition, Proposition] | None:
    """The fact of the premise that decides the label, with the hypothesis; None where no fact is on its topic."""
    kinds = next(family.facts for family in FAMILIES if family.name == pair.family)
    return next(((fact, pair.hypothesis) for fact in pair.premise if fact[0] in kinds), None)


def data_card(sizes: Mapping[str, int], documents: int, seed: int, languages: Sequence[str]) -> str:
    """Writes the card in Markdown.

    Args:
        sizes: pairs of train, dev and test.
        documents: of the text corpus, a language.
        seed: of all of it.
        languages: of the task, of which every third is shown.
    """
    splits = nli.draw_splits(sizes, seed)
    train, dev = (nli.render_split(splits[split], split, "en") for split in ("train", "dev"))
    text = set(draw_documents(documents, seed))
    seen = sum(any(set(pair.premise) <= set(document) for document in text) for pair in splits["test"])
    relevant = [{relevant_fact(pair) for pair in splits[split]} for split in ("train", "test")]
    facts = {"facts": len(relevant[1] - {None}), "known": len((relevant[0] & relevant[1]) - {None})}
    example_of = {family_of(pair): pair for pair in reversed(dev)}
    families = pd.DataFrame(
        [
            {
                "Family": family.name,
                "Topic": family.topic,
                "Pairs (test)": sum(pair.family == family.name for pair in splits["test"]),
                "Hypotheses": len({pair.hypothesis for pair in splits["train"] if pair.family == family.name}),
            }
            | premise_and_hypothesis(example_of[family.name])
            | {"Label": LABELS[example_of[family.name].label]}
            for family in FAMILIES
        ]
    )
    baselines = pd.DataFrame(
        [
            {"Linear model of": name, "English dev (%)": f"{100 * value:.1f}"}
            for name, value in baseline_accuracies(train, dev).items()
        ]
    )
    shown = languages[::3]
    first = [nli.render_split(splits["dev"], "dev", language)[0] for language in shown]
    pairs = pd.DataFrame([premise_and_hypothesis(pair) for pair in first], pd.Index(shown, name="Language"))
    parts = [
        INTRODUCTION.format(documents=documents, seed=seed, seen=seen, languages=len(languages), **facts, **sizes),
        "## Families",
        FAMILIES_NOTE,
        families.to_markdown(index=False),
        "## Guards",
        GUARDS_NOTE,
        baselines.to_markdown(index=False, disable_numparse=True),
        "## The same dev pair in other languages",
        pairs.to_markdown(),
    ]
    return "\n\n".join(parts) + "\n"


def premise_and_hypothesis(pair: Example) -> dict[str, str | None]:
    """A pair as two columns of a table."""
    return {"Premise": pair.text, "Hypothesis": pair.text_pair}


INTRODUCTION = """# Data card: CLDR-NLI

Made by `python scripts/write_data_card.py`; do not edit by hand.

CLDR-NLI is the generated task of the toy experiment. Its propositions say where a country is, what it
pays with, or which quarter a date is in. [Babel](https://babel.pocoo.org) ships the translations of the Unicode
CLDR, so every pair exists in {languages} languages with the same label. All of it is made in seconds, to the byte,
from a seed ({seed}), without a download.

| Split | Pairs | Languages |
|:--|--:|:--|
| train | {train} | English |
| dev | {dev} | all; English dev alone selects models |
| test | {test} | all |

**It is no natural language.** There are no verbs, and the world is a few hundred facts and the calendar. Its
numbers say nothing about XNLI.

**English accuracy is partly memory.** The text corpus has {documents} parallel documents a language, with statements
of the same facts ("Japan", "Asia"). Both facts of a premise occur together in some document for {seen} of the {test}
test pairs. No pair is in two splits, but the test set has only {facts} different combinations of a hypothesis with
the fact that decides it. Of these, {known} also occur in training, beside another fact.

**How to read a premise.** "A or B and C" names two places of which one is meant, and C. A list with "and" states
both of its facts. "In 2 weeks" counts from now, with 12 months to a year. Territories have one official language,
one continent (by time zone), and a currency of their own or the euro, as in the CLDR. Oceania is left out."""

FAMILIES_NOTE = """A premise states two facts of two topics, a hypothesis one. Labels are equally frequent in
every family. A neutral premise says nothing on the hypothesis's topic, except in `alternatives`: it names two
countries there, and a neutral hypothesis is true of one. The fourth column counts different hypotheses in training."""

GUARDS_NOTE = """Linear models cannot relate a hypothesis to a premise. So logistic regression on words and word
pairs, trained on all English pairs, shows what shortcuts are worth. Chance is 33.3 %. Tests hold *hypothesis
only* under 45 % and *premise and hypothesis* under 50 %. Nothing guards *premise only*, since topics have unequally
many pairs. Tests also hold that every string is in the script of its language."""
