"""What the schema of the config finds wrong, said in one sentence to the person who wrote the config."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import best_match

_TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping of keys",
    "string": "a text",
}
_BOUND_NAMES = {
    "minimum": "of at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "of at least {} entry",
    "minLength": "of at least {} letter",
    "multipleOf": "a multiple of {}",
    "pattern": "that matches {}",
}

# JSON Schema counts 32.0 as an integer, which range(32.0) does not, and YAML's .nan and .inf as numbers.
_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,
            "number": lambda _, value: type(value) is int or (type(value) is float and math.isfinite(value)),
        }
    ),
)

QUOTE = 'YAML takes no and off for false, yes and on for true, 1 for a number: write a text in quotes, such as "no"'
RENAMED = {
    "seeds": "runs: [1, 2, 3], the repetitions of the experiment, each with its own seeds",
    "distill_seeds": "runs: [1, 2, 3], the repetitions of the experiment, each with its own seeds",
    "comparisons.questions": "comparisons.planned",
}
"""Keys of earlier versions, and what says the same now."""


def first_schema_error(config: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """The most telling thing that a schema finds wrong in a config, in one sentence; None where all is right."""
    if (key := _first_odd_key(config, "")) is not None:
        return f"the config has the key {key}, expected a text; {QUOTE}"
    error = best_match(_Validator(schema).iter_errors(config))
    return None if error is None else _sentence(error)


def _first_odd_key(value: Any, path: str) -> str | None:
    """Where a mapping has a key that is no text, such as the false that YAML makes of no; None if there is none."""
    if isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key if isinstance(key, str) else _shown(key)}".removeprefix(".")
            if not isinstance(key, str):
                return here
            if found := _first_odd_key(item, here):
                return found
    if isinstance(value, list):
        for number, item in enumerate(value):
            if found := _first_odd_key(item, f"{path}[{number}]"):
                return found
    return None


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _sentence(error: ValidationError) -> str:
    """Says what a schema error means to the person who wrote the config."""
    schema: Any = error.schema
    found: Any = error.instance
    path = error.json_path.removeprefix("$").removeprefix(".")
    prefix = f"{path}." if path else ""
    if error.validator == "additionalProperties":
        unknown = next(key for key in found if key not in schema["properties"])
        close = get_close_matches(str(unknown), schema["properties"], n=1)
        if f"{prefix}{unknown}" in RENAMED:
            return f"the config has the key {prefix}{unknown} of an earlier version; write {RENAMED[prefix + unknown]}"
        advice = f"did you mean {prefix}{close[0]}?" if close else f"expected one of {', '.join(schema['properties'])}"
        return f"the config has an unknown key {prefix}{unknown}; {advice}"
    if error.validator == "required":
        missing = next(key for key in schema["required"] if key not in found)
        return f"the config has no {prefix}{missing}; add it: {schema['properties'][missing]['description']}"
    advice = "correct it in config.yaml, the --configfile overlay or --config"
    if isinstance(found, float) and not math.isfinite(found):
        advice = "write a finite number"
    if schema.get("type") == "number" and re.fullmatch(r"[\d.]+[eE][+-]?\d+", str(found)):
        advice = "YAML reads powers of ten only with a dot and a sign, as in 1.0e-3"
    if _lacks_quotes(found, schema):
        advice = QUOTE
    return f"{path or 'the config'} is {_shown(found)}, expected {_expected(schema)}; {advice}"


def _lacks_quotes(found: Any, schema: Mapping[str, Any]) -> bool:
    """Whether YAML has taken a text for a truth value, a number or a date."""
    wanted = schema.get("type")
    wanted = wanted if isinstance(wanted, list) else [wanted]
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    taken = isinstance(found, bool | date) or (is_number and not {"integer", "number"}.intersection(wanted))
    return "string" in wanted and taken


def _expected(schema: dict[str, Any]) -> str:
    """Describes what a schema accepts: ``an integer of at least 1``."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    choices = choices_of(schema)
    names = [*choices, *(_TYPE_NAMES[name] for name in types if not (choices and name == "string"))]
    keys = [key for key in _BOUND_NAMES if key in schema and not (choices and key == "pattern")]
    bounds = [_BOUND_NAMES[key].format(schema[key]) for key in keys]
    return " ".join([" or ".join(names), " and ".join(bounds)]).strip()


def choices_of(schema: Mapping[str, Any]) -> list[str]:
    """The texts that a schema's pattern spells out, as ``^(bottom|strided)$`` does; none for other patterns."""
    spelt_out = re.fullmatch(r"\^\(?(\w+(?:\|\w+)*)\)?\$", schema.get("pattern", ""))
    return spelt_out[1].split("|") if spelt_out else []
