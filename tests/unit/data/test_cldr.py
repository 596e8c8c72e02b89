"""CLDR-NLI: labels that follow, no shortcuts, every language its own words."""

import datetime
import unicodedata
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from camembert.data import cldr
from camembert.data.cldr import draw_documents, draw_unseen_documents, find_territories, merge_facts, render, render_all
from camembert.data.cldr_nli import CONTRADICTION, ENTAILMENT, FAMILIES, LABELS, NEUTRAL, draw_splits, render_split
from camembert.data.tasks import write_examples
from camembert.plan.config import load_yaml

CONFIG = load_yaml(Path(__file__).parents[3] / "config.yaml")
LANGUAGES = CONFIG["languages"]
SIZES = {split: CONFIG["data"]["cldr"][split] for split in ("train", "dev", "test")}
SEED, CORPUS_DOCUMENTS = (CONFIG["data"]["cldr"][key] for key in ("seed", "documents"))

SCRIPTS = {"ar": "ARABIC", "bg": "CYRILLIC", "el": "GREEK", "hi": "DEVANAGARI", "ru": "CYRILLIC", "th": "THAI"}
SCRIPTS |= {"ur": "ARABIC", "zh": "CJK"}
"""How Unicode names the letters of a language; LATIN for the others."""
ORDINAL_SIGNS = "ªº"


def foreign_letters(text, language):
    """Letters that are not of the language's script: what a fallback to English or to a CLDR key would leave."""
    script = SCRIPTS.get(language, "LATIN")
    letters = {
        letter for letter in text if unicodedata.category(letter).startswith("L") and letter not in ORDINAL_SIGNS
    }
    return {letter for letter in letters if not unicodedata.name(letter).startswith(script)}


def baseline_accuracies(train, dev):
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


def family_of(pair):
    """The family of a pair, which its id carries."""
    return pair.id.rsplit("-", 1)[1]


def hypotheses_by_label(pairs):
    """How often each label has each hypothesis: families and hypotheses by labels."""
    rows = Counter((family_of(pair), pair.text_pair, LABELS[pair.label]) for pair in pairs)
    counts = pd.Series(rows).rename_axis(["family", "hypothesis", "label"])
    return counts.unstack("label", fill_value=0)


@pytest.fixture(scope="module")
def splits():
    return draw_splits(SIZES, SEED)


@pytest.fixture(scope="module")
def english(splits):
    return {split: render_split(pairs, split, "en") for split, pairs in splits.items()}


def follows(pair):
    """The label of a pair, worked out from its propositions alone, by another way than the generator's."""
    attributes = {t.code: t for t in find_territories()}
    kind, *value = pair.hypothesis
    if kind in ("continent", "currency", "language"):
        facts = [fact for fact in pair.premise if fact[0] in ("territory", "either")]
        truths = {getattr(attributes[code], kind) == value[0] for fact in facts for code in fact[1:]}
    elif kind in ("quarter", "weekday", "month"):
        truths = set()
        for name, *arguments in pair.premise:
            if name == "months":
                year, first, last = arguments
                truths.add(any(value == [year, month] for month in range(first, last + 1)))
            elif name in ("date", "full date"):
                day = datetime.date.fromordinal(arguments[0])
                quarter, weekday = [day.year, (day.month - 1) // 3 + 1], [day.isoweekday() - 1]
                truths.add({"quarter": quarter, "weekday": weekday}[kind] == value)
    else:
        finer = {"year": (12, "month"), "week": (7, "day"), "day": (24, "hour"), "hour": (60, "minute")}
        offsets = [fact[1:] for fact in pair.premise if fact[0] == "offset"]
        truths = {[number * finer[unit][0], finer[unit][1]] == value for number, unit in offsets}
    return {(True,): ENTAILMENT, (False,): CONTRADICTION}.get(tuple(truths), NEUTRAL)


def test_every_label_follows_from_the_propositions(splits):
    for pairs in splits.values():
        for pair in pairs:
            assert follows(pair) == pair.label, pair


def test_a_premise_states_two_facts_of_different_topics(splits):
    topics = {"territory": 0, "either": 0, "date": 1, "full date": 1, "months": 1, "offset": 2}
    assert all(topics[i.premise[0][0]] != topics[i.premise[1][0]] for i in splits["train"])


def test_labels_balance_over_all_and_within_every_family(splits):
    for split, pairs in splits.items():
        counts = Counter((pair.family, pair.label) for pair in pairs)
        assert set(counts.values()) == {SIZES[split] // (3 * len(FAMILIES))}


def test_splits_share_no_pair_and_repeat_none(splits):
    keys = [(merge_facts(each.premise), each.hypothesis) for pairs in splits.values() for each in pairs]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_pairs_read_the_same(splits, language):
    rendered = [
        (pair.text, pair.text_pair)
        for split in ("dev", "test")
        for pair in render_split(splits[split], split, language)
    ]
    assert len(rendered) == len(set(rendered))


def test_no_english_training_pair_reads_like_one_of_dev_or_test(english):
    train = {(pair.text, pair.text_pair) for pair in english["train"]}
    assert not train & {(pair.text, pair.text_pair) for split in ("dev", "test") for pair in english[split]}


def test_ids_carry_the_family_and_are_shared_by_the_languages_as_labels_are(splits, english):
    assert {family_of(pair) for pair in english["dev"]} == {family.name for family in FAMILIES}
    for language in ("ar", "zh"):
        pairs = render_split(splits["dev"], "dev", language)
        assert [(pair.id, pair.label) for pair in pairs] == [(pair.id, pair.label) for pair in english["dev"]]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, splits):
    sizes = {"dev": 48}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_examples(render_split(draw_splits(sizes, seed)["dev"], "dev", "th"), tmp_path / f"{name}.parquet")
    a, b, c = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abc")
    assert a == b != c


def test_a_size_that_cannot_balance_is_refused():
    with pytest.raises(cldr.SizeError, match=r"data\.cldr\.dev is 100; choose a multiple of 24"):
        draw_splits({"dev": 100}, 0)


def test_a_hypothesis_says_nothing_about_its_label(english):
    """Of hypotheses frequent enough to tell, none leans to a label beyond chance (4 standard errors)."""
    counts = hypotheses_by_label(english["train"])
    frequent = counts[counts.sum(axis=1) >= 60]
    shares = frequent.div(frequent.sum(axis=1), axis=0)
    errors = (2 / 9 / frequent.sum(axis=1)) ** 0.5
    assert (shares.sub(1 / 3).abs().max(axis=1) <= 4 * errors).all()


def test_linear_baselines_stay_near_chance(english):
    accuracies = baseline_accuracies(english["train"], english["dev"])
    assert accuracies["hypothesis only"] < 0.45
    assert accuracies["premise and hypothesis"] < 0.50


def test_letters_of_another_script_are_found():
    assert foreign_letters("3 length-kilometer 公里", "zh") == set("length-kilometer") - {"-"}
    assert foreign_letters("3月12日", "zh") == set()
    assert foreign_letters("мая 2024 г.", "ru") == set()
    assert foreign_letters("1.º de mayo", "es") == set()
    assert foreign_letters("三月", "ur") == set("三月")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_is_in_the_script_of_its_language(splits, language):
    """A missing translation falls back to a key such as length-kilometer, or to another locale's words."""
    documents = list(draw_documents(2000, SEED))
    facts = {fact for document in documents for fact in document}
    facts |= {i.hypothesis for i in splits["test"]} | {fact for i in splits["test"] for fact in i.premise}
    facts |= {("territory", t.code) for t in find_territories()}
    for fact in facts:
        assert not foreign_letters(render(fact, language), language), (fact, render(fact, language))


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_names_are_translated_and_not_left_in_english(language):
    """Where a Latin-script language shares a name with English (Japan, Euro), most others still differ."""
    facts = [(kind, getattr(t, kind)) for t in find_territories() for kind in ("continent", "currency", "language")]
    facts += [("weekday", day) for day in range(7)] + [("month", 2024, month) for month in range(1, 13)]
    same = [fact for fact in set(facts) if render(fact, language) == render(fact, "en")]
    assert len(same) / len(set(facts)) < 0.1, same
    assert not [fact for fact in same if fact[0] == "weekday"]


def test_rendering_does_not_depend_on_which_language_was_read_before():
    facts = [("month", 2024, 3), ("months", 2024, 2, 5), ("weekday", 1), ("quarter", 2024, 1), ("offset", 2, "week")]
    render.cache_clear()
    forward = {(fact, language): render(fact, language) for language in LANGUAGES for fact in facts}
    render.cache_clear()
    backward = {(fact, language): render(fact, language) for language in reversed(LANGUAGES) for fact in facts}
    assert forward == backward


def test_parallel_documents_state_consistent_facts():
    """A document never places a country elsewhere than the CLDR does."""
    attributes = {t.code: t for t in find_territories()}
    for document in draw_documents(500, 1):
        places = [fact for fact in document if fact[0] == "territory"]
        if len(places) == 1 and not any(fact[0] == "either" for fact in document):
            for kind in ("continent", "currency", "language"):
                stated = {fact[1] for fact in document if fact[0] == kind}
                assert stated <= {getattr(attributes[places[0][1]], kind)}


# --- documents that are held out for retrieval ----------------------------------------------------------------


def fold(text):
    return " ".join(text.casefold().split())


@pytest.fixture(scope="module")
def unseen():
    return draw_unseen_documents(CONFIG["retrieval"]["documents"], SEED, CORPUS_DOCUMENTS, LANGUAGES)


def test_none_states_what_a_document_of_the_corpus_states_in_any_order(unseen):
    corpus = {merge_facts(document) for document in draw_documents(CORPUS_DOCUMENTS, SEED)}
    assert not corpus & set(map(merge_facts, unseen))
    assert merge_facts([("either", "JP", "PE"), ("continent", "142")]) == merge_facts(
        [("continent", "142"), ("either", "PE", "JP")]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_none_reads_like_another_or_like_anything_that_is_trained_on(unseen, splits, language):
    texts = [fold(render_all(document, language)) for document in unseen]
    assert len(set(texts)) == len(texts)
    read = {fold(render_all(document, language)) for document in draw_documents(CORPUS_DOCUMENTS, SEED)}
    for pair in [*splits["train"], *splits["dev"]]:
        read |= {fold(render_all(pair.premise, language)), fold(render(pair.hypothesis, language))}
    assert not read & set(texts)


def test_the_seed_decides_which_they_are():
    one, same, other = (draw_unseen_documents(30, seed, 100, ["en", "th"]) for seed in (1, 1, 2))
    assert one == same != other


def test_more_documents_than_there_are_are_refused(monkeypatch):
    few = list(draw_documents(20, 0))
    monkeypatch.setattr(cldr, "draw_documents", lambda number, seed, use="text": few if use != "text" else few[:9])
    with pytest.raises(cldr.SizeError, match=r"retrieval\.documents is 50, but 500 draws gave \d+ documents"):
        draw_unseen_documents(50, 0, 9, ["en"])
