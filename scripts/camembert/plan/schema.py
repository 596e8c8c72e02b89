"""How sections of the config are described, and the sentence that a wrong value gets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T")


class Section(BaseModel):
    """Keys that belong together; others, and values that would have to be converted, are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def key(meaning: str, **bounds: Any) -> Any:
    """A key: what it means, and the bounds of its value; without a default it must be there."""
    return Field(description=meaning, **bounds)


def distinct(values: list[T]) -> list[T]:
    """The values of a list that repeats none."""
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"{value!r} is listed more than once, expected distinct entries; remove one")
    return values


Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
Set = Annotated[list[T], AfterValidator(distinct)]
Distinct = Annotated[list[T], Field(min_length=1), AfterValidator(distinct)]
Two = Annotated[list[T], Field(min_length=2)]


# --- errors -------------------------------------------------------------------------------------------------------

EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping of keys",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_type": "an integer",
    "invalid_key": "a text",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "a mapping of keys",
    "multiple_of": "a multiple of {multiple_of}",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "too_long": "a list of {max_length} or fewer",
    "too_short": "a list of {min_length} or more",
}
"""What pydantic's errors, by their types, expect."""
QUOTE = 'YAML takes no and off for false, yes and on for true, 1 for a number: write a text in quotes, such as "no"'
UNQUOTE = "write it in a YAML file, without quotes: Snakemake takes all in lists and mappings of --config for text"
IN_YAML = re.compile(r"-?\d+(\.\d*(e[+-]\d+)?)?|true|false")
"""A text that YAML reads as a number or as true or false, where it stands without quotes."""


class ConfigError(ValueError):
    """A config that cannot be run: what was found, where, what was expected and what to do."""


def describe_error(error: ValidationError, config: Mapping[str, Any], root: type[Section]) -> str:
    """Says the most telling thing that is wrong: an unknown key, else the first; in a value that may have several
    forms, what is wrong inside it.

    Args:
        error: what pydantic found.
        config: what it looked at.
        root: the model of the whole config.
    """
    errors = error.errors(include_url=False)
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    if first["type"] in ("extra_forbidden", "missing"):
        *above, name = first["loc"]
        place = _place(tuple(above), config)
        return _about_a_name(first["type"], f"{place}." if place else "", str(name), _section(above, root))
    places = [_place(each["loc"] + ("[key]",) * (each["type"] == "invalid_key"), config) for each in errors]
    place = max((each for each in places if each.startswith(places[errors.index(first)])), key=len)
    return _about_a_value(place, [each for each, its in zip(errors, places, strict=True) if its == place])


def _place(loc: tuple[int | str, ...], config: Any) -> str:
    """The path of a value, as ``data.text[0].name``; of a value of several forms pydantic also names the form."""
    if loc[-1:] == ("[key]",):
        return f"a key of {_place(loc[:-2], config) or 'the config'}"
    path = ""
    for key in loc:
        if isinstance(config, list) and isinstance(key, int):
            path, config = f"{path}[{key}]", config[key]
        elif isinstance(config, dict) and key in config:
            path, config = f"{path}.{key}".removeprefix("."), config[key]
    return path


def _section(keys: list[int | str], section: type[Section]) -> type[Section]:
    """The section that a path leads to, past numbers of entries and names of the user's."""
    for key in keys:
        if field := section.model_fields.get(str(key)):
            section = next(_sections_in(field.annotation), section)
    return section


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)


def _about_a_name(kind: str, prefix: str, name: str, section: type[Section]) -> str:
    keys = section.model_fields
    if kind == "missing":
        means = keys[name].description or _section([name], section).__doc__ or "see config.yaml"
        return f"the config has no {prefix}{name}; add it: {' '.join(means.split())}"
    close = get_close_matches(name, keys, n=1)
    advice = f"did you mean {prefix}{close[0]}?" if close else f"expected one of {', '.join(keys)}"
    return f"the config has an unknown key {prefix}{name}; {advice}"


def _about_a_value(place: str, errors: list[ErrorDetails]) -> str:
    """What a check of ours says of a value, or what each of its forms expects."""
    found, types = errors[0]["input"], {each["type"] for each in errors}
    if said := [str(each["ctx"]["error"]) for each in errors if each["type"] == "value_error"]:
        return f"{place}: {said[0]}" if place else said[0]
    wanted = [
        EXPECTED[each["type"]].format(**each.get("ctx", {})) if each["type"] in EXPECTED else each["msg"]
        for each in errors
    ]
    shown = json.dumps(found, ensure_ascii=False, default=str)
    return f"{place} is {shown}, expected {' or '.join(wanted)}; {_advice(found, types)}"


def _advice(found: Any, types: set[str]) -> str:
    is_number = isinstance(found, int | float) and "int_type" not in types
    if types & {"string_type", "invalid_key"} and (isinstance(found, bool | date) or is_number):
        return QUOTE
    if types & {"int_type", "float_type", "bool_type"} and isinstance(found, str) and IN_YAML.fullmatch(found):
        return UNQUOTE
    if "float_type" in types and re.fullmatch(r"[\d.]+[eE][+-]?\d+", str(found)):
        return "YAML reads powers of ten only with a dot and a sign, as in 1.0e-3"
    return "correct it in config.yaml, the --configfile overlay or --config"
