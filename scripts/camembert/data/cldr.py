"""Facts of the Unicode CLDR in fifteen languages, and parallel documents that state them, for the corpus and retrieval.

The CLDR holds human translations of dates, territories, currencies, languages and intervals; the Babel
library ships it. A *proposition* is a language-independent tuple such as ``("territory", "JP")`` that `render`
turns into a phrase of any language.
Sources: Unicode CLDR (https://cldr.unicode.org) through Babel (https://babel.pocoo.org).
"""

from __future__ import annotations

import datetime
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel import Locale, dates, lists
from babel.core import get_global
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

Proposition = tuple[Any, ...]
"""A kind and its arguments (codes, numbers, a date's ordinal), in no language."""
Document = tuple[Proposition, ...]

CONTINENT_OF_ZONE = {"Africa": "002", "America": "019", "Asia": "142", "Europe": "150"}
OFFSETS = {  # coarse unit: (finer unit, how many of it, largest number of coarse units used)
    "year": ("month", 12, 5),
    "week": ("day", 7, 8),
    "day": ("hour", 24, 4),
    "hour": ("minute", 60, 4),
}
YEARS = range(2000, 2040)
LEFT_OUT = {
    "TR",  # lies in two continents
    "VE",  # the Bulgarian name of its currency holds a Latin code
    "ZA",  # the CLDR names one of its official languages only
}
ATTRIBUTES = ("continent", "currency", "language")
TOPICS_OF_DOCUMENTS = ("place", "place", "alternatives", "calendar", "calendar", "interval", "offset")
DRAWS_A_DOCUMENT = 10
"""Documents drawn, at most, for each that is unseen."""


class MissingTranslationError(ValueError):
    """The CLDR as shipped has no translation of its own for a phrase that the task needs."""


class SizeError(ValueError):
    """A number of pairs that cannot be balanced, or of documents that there are not."""


# --- propositions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Territory:
    """A territory with one continent, one official language and a currency of its own (CLDR codes)."""

    code: str
    continent: str
    currency: str
    language: str


@cache
def find_territories() -> tuple[Territory, ...]:
    """The territories of CLDR-NLI: all time zones in one of four continents, one legal tender, named after them
    or the euro, one official language. Oceania has too few of them. Deterministic, sorted by code."""
    continents = defaultdict(set)
    for zone, code in get_global("zone_territories").items():
        continents[code].add(CONTINENT_OF_ZONE.get(zone.split("/")[0]))
    found = []
    for code, continent in sorted(continents.items()):
        currencies = get_territory_currencies(code)
        official = get_official_languages(code)
        if len(continent) != 1 or None in continent or len(currencies) != 1 or len(official) != 1:
            continue
        own_currency = currencies[0].startswith(code) or (currencies[0] == "EUR" and continent == {"150"})
        if own_currency and "_" not in official[0] and code not in LEFT_OUT:
            found.append(Territory(code, str(*continent), currencies[0], official[0]))
    return tuple(found)


@cache
def render(proposition: Proposition, language: str) -> str:
    """Writes a proposition in a language.

    Stand-alone month and day names are avoided throughout: where they are an alias in the CLDR, Babel 2.18
    returns those of whichever locale was read before.

    Raises:
        MissingTranslationError: the CLDR has no translation of its own.
    """
    locale = Locale.parse(language)
    kind, *arguments = proposition
    match kind, arguments:
        case "territory" | "continent", [code]:
            return _name(locale.territories, code, "territory", language)
        case "currency", [code]:
            return _name(locale.currencies, code, "currency", language)
        case "language", [code]:
            return _name(locale.languages, code, "language", language)
        case "either", [first, second]:
            names = [render(("territory", code), language) for code in (first, second)]
            return lists.format_list(names, "or", locale=locale)
        case "date", [ordinal]:
            return dates.format_date(datetime.date.fromordinal(ordinal), "long", locale=locale)
        case "full date", [ordinal]:
            return dates.format_date(datetime.date.fromordinal(ordinal), "full", locale=locale)
        case "weekday", [weekday]:
            return dates.get_day_names("wide", "format", locale=locale)[weekday]
        case "quarter", [year, quarter]:
            return dates.format_skeleton("yQQQQ", datetime.date(year, 3 * quarter, 1), locale=locale)
        case "month", [year, month]:
            return dates.format_skeleton("yMMMM", datetime.date(year, month, 1), locale=locale)
        case "months", [year, first, last]:
            first_day, last_day = (datetime.date(year, month, 1) for month in (first, last))
            return dates.format_interval(first_day, last_day, "yMMMM", locale=locale)
        case "offset", [number, unit]:
            days = {"year": 365, "month": 30, "week": 7, "day": 1}.get(unit)
            one = datetime.timedelta(days=days) if days else datetime.timedelta(**{f"{unit}s": 1})
            return dates.format_timedelta(number * one, unit, threshold=1e9, add_direction=True, locale=locale)
    raise ValueError(f"unknown kind of proposition: {proposition}")


def _name(names: Mapping[str, str], key: str, what: str, language: str) -> str:
    if key not in names:
        raise MissingTranslationError(f"the CLDR has no {language} name of {what} {key}")
    return names[key]


def render_all(propositions: Sequence[Proposition], language: str) -> str:
    """Joins propositions with the language's "and"."""
    return lists.format_list([render(each, language) for each in propositions], locale=Locale.parse(language))


def merge_facts(propositions: Sequence[Proposition]) -> frozenset[Proposition]:
    """What propositions state together, whatever their order and that of "or"."""
    return frozenset(("either", *sorted(fact[1:])) if fact[0] == "either" else fact for fact in propositions)


# --- drawing --------------------------------------------------------------------------------------------------


def draw_territory(rng: random.Random, accept: Callable[[Territory], bool] = lambda _: True) -> Territory:
    """Draws a territory that fits, continents being equally likely so that none hints at a label."""
    fitting = defaultdict(list)
    for territory in find_territories():
        if accept(territory):
            fitting[territory.continent].append(territory)
    return rng.choice(fitting[rng.choice(sorted(fitting))])


def draw_date(rng: random.Random) -> datetime.date:
    """Draws a day of `YEARS`."""
    first, last = datetime.date(YEARS[0], 1, 1), datetime.date(YEARS[-1], 12, 31)
    return datetime.date.fromordinal(rng.randint(first.toordinal(), last.toordinal()))


def find_quarter(day: datetime.date) -> int:
    """The quarter of a day, from 1."""
    return (day.month + 2) // 3


def draw_months(rng: random.Random) -> tuple[int, int]:
    """Draws the first and the last of two to six months of a year."""
    length = rng.randint(2, 6)
    first = rng.randint(1, 13 - length)
    return first, first + length - 1


def draw_offset(rng: random.Random) -> tuple[str, int]:
    """Draws a distance from now: a coarse unit, and how many of it, below 0 in the past."""
    unit = rng.choice(sorted(OFFSETS))
    return unit, rng.choice([-1, 1]) * rng.randint(1, OFFSETS[unit][2])


def refine_offset(unit: str, number: int) -> Proposition:
    """The same distance from now in a finer unit."""
    finer, many, _ = OFFSETS[unit]
    return ("offset", number * many, finer)


def _draw_statements(topic: str, rng: random.Random) -> list[Proposition]:
    """Two or three consistent propositions of one topic."""
    if topic == "place":
        territory = draw_territory(rng)
        attributes = [(name, getattr(territory, name)) for name in ATTRIBUTES]
        return [("territory", territory.code), *rng.sample(attributes, rng.randint(1, 2))]
    if topic == "alternatives":
        first = draw_territory(rng)
        second = draw_territory(rng, lambda t: t.continent == first.continent and t != first)
        return [("either", first.code, second.code), ("continent", first.continent)]
    if topic == "calendar":
        day = draw_date(rng)
        stated = ("date", day.toordinal()), ("full date", day.toordinal())
        implied = ("quarter", day.year, find_quarter(day)), ("weekday", day.weekday()), ("month", day.year, day.month)
        return [rng.choice(stated), rng.choice(implied)]
    if topic == "interval":
        year, (opening, closing) = rng.choice(YEARS), draw_months(rng)
        return [("months", year, opening, closing), ("month", year, rng.randint(opening, closing))]
    unit, number = draw_offset(rng)
    return [("offset", number, unit), refine_offset(unit, number)]


def draw_documents(number: int, seed: int, use: str = "text") -> Iterator[Document]:
    """Draws documents of the parallel corpus: consistent statements on one or two topics, in random order.

    The same seed and use give the same documents.
    """
    rng = random.Random(f"{seed} {use}")
    for _ in range(number):
        document = []
        for topic in rng.sample(TOPICS_OF_DOCUMENTS, rng.randint(1, 2)):
            statements = _draw_statements(topic, rng)
            rng.shuffle(statements)
            document.extend(statements)
        yield tuple(document)


def draw_unseen_documents(number: int, seed: int, corpus_documents: int, languages: Sequence[str]) -> list[Document]:
    """Draws documents that state together what none of the corpus does, which has the same seed.

    No two state the same, nor read the same in any of the languages but for case and spaces.

    Raises:
        SizeError: there are not so many.
    """
    stated = set(map(merge_facts, draw_documents(corpus_documents, seed)))
    written: set[tuple[str, str]] = set()
    unseen: list[Document] = []
    for document in draw_documents(DRAWS_A_DOCUMENT * number, seed, "retrieval"):
        if len(unseen) == number:
            break
        if merge_facts(document) in stated:
            continue
        texts = {(language, " ".join(render_all(document, language).casefold().split())) for language in languages}
        if texts & written:
            continue
        stated.add(merge_facts(document))
        written |= texts
        unseen.append(document)
    if len(unseen) < number:
        raise SizeError(
            f"retrieval.documents is {number}, but {DRAWS_A_DOCUMENT * number} draws gave {len(unseen)} documents that"
            " differ from each other and from the text corpus; lower it or data.cldr.documents"
        )
    return unseen
