"""The page of all configuration keys: what each means and may be, from the schema, and its value in config.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from tabulate import tabulate

from camembert.plan.schema_errors import choices_of

INTRODUCTION = """\
# Configuration

An experiment is `config.yaml` and what overlays change of it: `snakemake --configfile ONE.yaml TWO.yaml` merges
mappings, from left to right, and replaces lists. All keys and their values in `config.yaml`, the embedded experiment,
are below; this page is made from `schemas/config.schema.yaml` by `python scripts/write_configuration.py`. What one key
asks of another, and what is said where it is not so:
[tests/unit/bad_input.md](../tests/unit/bad_input.md).

Chains and budgets: [method.md](method.md#chains). A task, text or teacher of your own, with the keys that it needs:
[your-own-task.md](your-own-task.md), [your-own-teacher.md](your-own-teacher.md). Resources of a cluster:
[slurm.md](slurm.md).
"""
LONGEST_VALUE = 40
NOT_THERE = object()


def configuration_page(schema: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Writes the page in Markdown.

    Args:
        schema: of the configuration, a JSON schema in which everything has a description.
        config: whose values are shown.
    """
    keys = {name: _resolved(node, schema) for name, node in schema["properties"].items()}
    plain = {name: node for name, node in keys.items() if "properties" not in node}
    parts = [INTRODUCTION, "## The experiment\n", _table(_rows(plain, config, schema))]
    for name, node in keys.items():
        if name not in plain:
            rows = _rows(node["properties"], config[name], schema, f"{name}.")
            parts += [f"## {name}\n", f"{node['description'].strip()}\n", _table(rows)]
    return "\n".join(parts)


def _rows(
    keys: Mapping[str, Any], values: Any, schema: Mapping[str, Any], above: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, what it may be and what it means, of keys and of all below them."""
    for name, each in keys.items():
        node, path = _resolved(each, schema), f"{above}{name}"
        value = values.get(name, NOT_THERE) if isinstance(values, Mapping) else NOT_THERE
        inner, shown = node.get("properties"), "" if "properties" in node else _value(value)
        if inner is None and "properties" in (entry := _resolved(_entry(node), schema)):
            inner, value = entry["properties"], NOT_THERE
            path += "[]" if "items" in node else ".NAME"
        yield f"`{path}`", shown, _allowed(node), " ".join(node["description"].split())
        if inner:
            yield from _rows(inner, value, schema, f"{path}.")


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A node with what it refers to; its own description stays."""
    reference = node.get("$ref", "").rpartition("/")[2]
    return (_resolved(schema["$defs"][reference], schema) if reference else {}) | dict(node)


def _entry(node: Mapping[str, Any]) -> dict[str, Any]:
    """What a list, or a mapping with names of the user's, holds."""
    inside = node.get("items") or node.get("additionalProperties")
    return inside if isinstance(inside, dict) else {}


def _value(value: Any) -> str:
    if value is NOT_THERE:
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).removesuffix("...\n").strip()
    return f"`{text}`" if len(text) <= LONGEST_VALUE else "see config.yaml"


def _allowed(node: Mapping[str, Any]) -> str:
    """What a value may be, in a few words."""
    if "enum" in node:
        return " ".join(f"`{choice}`" for choice in node["enum"])
    types: list[str] = node["type"] if isinstance(node["type"], list) else [node["type"]]
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {node[bound]}" for bound, sign in signs.items() if bound in node]
    words = {
        "array": "list",
        "object": "keys",
        "boolean": "true or false",
        "string": " ".join(f"`{choice}`" for choice in choices_of(node)) or "string",
        "integer": " ".join(["integer", *bounds]),
        "number": " ".join(["number", *bounds]),
    }
    return ", ".join(words.get(kind, kind) for kind in sorted(types, key="null".__eq__))


def _table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    return tabulate(list(rows), ["key", "in config.yaml", "may be", "what it is"], tablefmt="pipe") + "\n"
