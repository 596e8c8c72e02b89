"""Facts of the Unicode CLDR, and phrases that state them, in fifteen languages.

The CLDR holds human translations of dates, territories, currencies, languages and intervals; the Babel
library ships it. A *proposition* is a language-independent tuple such as ``("territory", "JP")`` that `render`
turns into a phrase of any language.
Sources: Unicode CLDR (https://cldr.unicode.org) through Babel (https://babel.pocoo.org).
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel import Locale, dates, lists
from babel.core import get_global
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

Proposition = tuple[Any, ...]
"""A kind and its arguments (codes, numbers, a date's ordinal), in no language."""

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


class MissingTranslationError(ValueError):
    """The CLDR as shipped has no translation of its own for a phrase that the task needs."""


class SizeError(ValueError):
    """A number of pairs that cannot be balanced, or of documents that there are not."""


# --- the world ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Territory:
    """A territory with one continent, one official language and a currency of its own (CLDR codes)."""

    code: str
    continent: str
    currency: str
    language: str


@cache
def territories() -> tuple[Territory, ...]:
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
        if code in LEFT_OUT:
            continue
        own_currency = currencies[0].startswith(code) or (currencies[0] == "EUR" and continent == {"150"})
        if own_currency and "_" not in official[0]:
            found.append(Territory(code, str(*continent), currencies[0], official[0]))
    return tuple(found)


# --- rendering ------------------------------------------------------------------------------------------------


def _named(names, key: str, what: str, language: str) -> str:
    if key not in names:
        raise MissingTranslationError(f"the CLDR has no {language} name of {what} {key}")
    return names[key]


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
            return _named(locale.territories, code, "territory", language)
        case "currency", [code]:
            return _named(locale.currencies, code, "currency", language)
        case "language", [code]:
            return _named(locale.languages, code, "language", language)
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


def render_all(propositions: tuple[Proposition, ...], language: str) -> str:
    """Joins propositions with the language's "and"."""
    return lists.format_list([render(p, language) for p in propositions], locale=Locale.parse(language))


def facts_of(propositions: tuple[Proposition, ...]) -> frozenset[Proposition]:
    """What propositions state together, whatever their order and that of "or"."""
    return frozenset(("either", *sorted(fact[1:])) if fact[0] == "either" else fact for fact in propositions)
