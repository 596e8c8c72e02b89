"""The data card of CLDR-NLI: sizes, guards against shortcuts, and pairs that a person can read."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from jinja2 import StrictUndefined, Template
from scipy.sparse import hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from camembert.data import cldr_nli as nli
from camembert.data.cldr import Proposition, draw_documents
from camembert.data.cldr_nli import FAMILIES, LABELS
from camembert.data.tasks import Example

SCRIPTS = {"ar": "ARABIC", "bg": "CYRILLIC", "el": "GREEK", "hi": "DEVANAGARI", "ru": "CYRILLIC", "th": "THAI"}
SCRIPTS |= {"ur": "ARABIC", "zh": "CJK"}
"""How Unicode names the letters of a language; LATIN for the others."""
ORDINAL_SIGNS = "ªº"
TEMPLATE = Path(__file__).parent / "templates" / "cldr-nli.md"


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
    decided_train, decided_test = ({relevant_fact(pair) for pair in splits[split]} for split in ("train", "test"))
    example_of = {family_of(pair): pair for pair in reversed(dev)}
    families = [
        {
            "Family": family.name,
            "Topic": family.topic,
            "Pairs (test)": sum(pair.family == family.name for pair in splits["test"]),
            "Hypotheses": len({pair.hypothesis for pair in splits["train"] if pair.family == family.name}),
            **premise_and_hypothesis(example_of[family.name]),
            "Label": LABELS[example_of[family.name].label],
        }
        for family in FAMILIES
    ]
    baselines = pd.Series(baseline_accuracies(train, dev)).map(lambda share: f"{100 * share:.1f}")
    shown = languages[::3]
    first = [premise_and_hypothesis(nli.render_split(splits["dev"], "dev", each)[0]) for each in shown]
    return Template(TEMPLATE.read_text(encoding="utf-8"), undefined=StrictUndefined, keep_trailing_newline=True).render(
        sizes,
        documents=documents,
        seed=seed,
        languages=len(languages),
        seen=sum(any(set(pair.premise) <= set(document) for document in text) for pair in splits["test"]),
        facts=len(decided_test - {None}),
        known=len((decided_train & decided_test) - {None}),
        family_table=pd.DataFrame(families).to_markdown(index=False),
        baseline_table=baselines.rename("English dev (%)")
        .rename_axis("Linear model of")
        .reset_index()
        .to_markdown(index=False, disable_numparse=True),
        pair_table=pd.DataFrame(first, pd.Index(shown, name="Language")).to_markdown(),
    )


def premise_and_hypothesis(pair: Example) -> dict[str, str | None]:
    """A pair as two columns of a table."""
    return {"Premise": pair.text, "Hypothesis": pair.text_pair}
