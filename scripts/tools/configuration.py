"""The page of all configuration keys: what each may be and means, from the models of `camembert.plan`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from camembert.plan.keys import Config

INTRODUCTION = """\
# Configuration

An experiment is `config.yaml`, where every key has its value for the toy experiment, and what overlays change of
it: `snakemake --configfile ONE.yaml TWO.yaml` merges mappings, from left to right, and replaces lists. `--config
experiment=NAME 'teacher={source: hub}'` changes single keys on top. Numbers in lists and mappings need a YAML file:
Snakemake takes them for text in `--config`. `snakemake -n` shows the jobs, `python scripts/estimate.py --configfile
ONE.yaml TWO.yaml` what they cost.

This page is made by `python scripts/write_configuration.py`. What is said of a wrong value:
[tests/unit/bad_input.md](../tests/unit/bad_input.md); resources of a cluster: [slurm.md](slurm.md).
"""
SIGNS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
WORDS = {"array": "list", "object": "keys", "boolean": "true, false", "string": "text"}


def configuration_page() -> str:
    """Writes the page in Markdown: a section each, a line a key, and one line for keys of a kind."""
    schema = Config.model_json_schema()
    plain = {name: node for name, node in schema["properties"].items() if "$ref" not in node}
    parts = [INTRODUCTION, "## The experiment\n", *_lines(plain, schema)]
    for name, node in schema["properties"].items():
        if name not in plain:
            section = _resolved(node, schema)
            parts += [f"\n## {name}\n", f"{section['description']}\n", *_lines(section["properties"], schema, name)]
    return "\n".join(parts) + "\n"


def _lines(keys: Mapping[str, Any], schema: Mapping[str, Any], above: str = "", means: str = "") -> Iterator[str]:
    """Key, what it may be and what it means (else what the keys above it mean), of keys and of all below them."""
    for node, names in groupby(keys, lambda name: {k: v for k, v in keys[name].items() if k != "title"}):
        alike = list(names)
        shown = alike[0] if len(alike) == 1 else f"{{{','.join(alike)}}}"
        path, inside = f"{above}.{shown}".lstrip("."), _resolved(node, schema)
        said = inside.get("description") or means
        entry = next(iter(inside.get("patternProperties", {}).values()), inside.get("items", {}))
        if "$ref" in entry:
            yield f"- `{path}` ({WORDS[inside['type']]}): {said}"
            path, inside = path + ("[]" if "items" in inside else ".NAME"), _resolved(entry, schema)
        if "properties" in inside:
            yield from _lines(inside["properties"], schema, path, said)
        else:
            default = f", else {json.dumps(inside['default'])}" if inside.get("default") else ""
            yield f"- `{path}` ({_allowed(inside)}{default})" + (f": {said}" if said else "")


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A node with what it refers to, also where it may be null; its own description stays."""
    forms = [form for form in node.get("anyOf", [node]) if form.get("type") != "null"]
    if len(forms) == 1 and "$ref" in forms[0]:
        return {"description": ""} | schema["$defs"][forms[0]["$ref"].rpartition("/")[2]] | dict(node)
    return dict(node)


def _allowed(node: Mapping[str, Any]) -> str:
    """What a value may be, in a few words."""
    if "anyOf" in node:
        return ", ".join(_allowed(form) for form in node["anyOf"])
    if choices := node.get("enum", [node["const"]] if "const" in node else []):
        return " ".join(f"`{choice}`" for choice in choices)
    return " ".join([WORDS.get(node["type"], node["type"]), *(f"{SIGNS[b]} {node[b]:g}" for b in SIGNS if b in node)])
