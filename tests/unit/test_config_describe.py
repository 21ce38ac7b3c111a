"""The schema, the reference page and the sample come from the same sections, and agree with what is loaded."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from keepwell.config.describe import json_schema, nearest, reference, sample
from keepwell.config.nodes import plain
from keepwell.config.yaml_reader import parse_yaml
from tests.unit.config_rooms import HEAD, loaded, problems, sections


def conforms(value: Any, schema: Any, root: Any) -> bool:
    """Whether a value conforms to a schema, as far as the words go that keepwell's schema uses; unknown words fail."""
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return conforms(value, target, root) and conforms(value, {key: part for key, part in schema.items() if key != "$ref"}, root)
    return all(_CHECKS[word](value, part, schema, root) for word, part in schema.items() if word not in _NOTES)


_NOTES = {"$schema", "$defs", "title", "description", "default", "examples"}
_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float), "integer": int}


def _of_type(value: Any, names: Any) -> bool:
    names = [names] if isinstance(names, str) else names
    return any(isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool)) for name in names)


def _further(value: Any, part: Any, schema: Any, root: Any) -> bool:
    rest = [each for key, each in value.items() if key not in schema.get("properties", {})] if isinstance(value, dict) else []
    return not rest if part is False else all(conforms(each, part, root) for each in rest)


_CHECKS: dict[str, Any] = {
    "type": lambda value, part, schema, root: _of_type(value, part),
    "const": lambda value, part, schema, root: value == part,
    "enum": lambda value, part, schema, root: value in part,
    "anyOf": lambda value, part, schema, root: any(conforms(value, each, root) for each in part),
    "oneOf": lambda value, part, schema, root: sum(conforms(value, each, root) for each in part) == 1,
    "properties": lambda value, part, schema, root: all(conforms(value[key], part[key], root) for key in part if key in value),
    "additionalProperties": _further,
    "required": lambda value, part, schema, root: all(key in value for key in part),
    "items": lambda value, part, schema, root: all(conforms(each, part, root) for each in value),
    "pattern": lambda value, part, schema, root: re.search(part, value) is not None,
    "propertyNames": lambda value, part, schema, root: all(conforms(key, part, root) for key in value or ()),
    "minimum": lambda value, part, schema, root: value >= part,
    "maximum": lambda value, part, schema, root: value <= part,
    "minLength": lambda value, part, schema, root: len(value) >= part,
    "maxLength": lambda value, part, schema, root: len(value) <= part,
}


@pytest.mark.parametrize(
    "body",
    [
        "places:\n",
        "garden: {size: 2MB}\nplaces:\n  bed: {soil: clay, beside: [bed2], key: secret:file:/a b}\n  bed2: {}\n",
        "plants:\n  oak: {cut: {steps: [{length: 1.5}], tool: saw}, every: 5m, times: 3, enabled: false}\n",
        "plants:\n  rose: {water: {amount: 1MB, how: quickly, weight: heavy, labels: {a: b}, either: 5}}\n",
        "plants:\n  oak: {}\n",
        "plants:\n  oak: {cut: {}, water: {amount: 1MB}}\n",
        "plants:\n  oak: {water: {}}\n",
        "plants:\n  oak: {cut: {}, evry: 5m}\n",
        "plants:\n  oak: {cut: {}, times: 11}\n",
        "plants:\n  Oak: {cut: {}}\n",
        "plants:\n  oak: {cut: {steps: [{length: long}]}}\n",
        "plants:\n  rose: {water: {amount: 1MB, how: slow}}\n",
        "places: [a]\n",
        "places:\n  bed: {key: hunter2}\n",
        "garden: {size: 5}\n",
        "more: {}\n",
    ],
)
def test_the_schema_and_the_loader_agree(tmp_path: Path, body: str) -> None:
    schema = json_schema(sections())
    value = plain(parse_yaml((HEAD + body).encode(), "f").root)
    assert conforms(value, schema, schema) == (problems(tmp_path, HEAD + body) == [])


def test_the_schema_is_json_and_explains_every_key() -> None:
    schema = json.loads(json.dumps(json_schema(sections())))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["plants"]["description"] == "What grows"
    assert schema["$defs"]["Water"]["properties"]["amount"]["description"] == "How much water. More in summer."
    entry = schema["properties"]["plants"]["additionalProperties"]
    assert entry["properties"]["every"]["default"] == "1d"
    assert entry["properties"]["every"]["description"] == "How often it is cared for."
    assert entry["oneOf"] == [{"required": ["cut"]}, {"required": ["water"]}]
    assert schema["$defs"]["Water"]["properties"]["share"]["default"] == "50%"
    assert schema["$defs"]["Garden"]["properties"]["size"]["default"] == "1kB"


def test_the_schema_refuses_a_file_without_head() -> None:
    schema = json_schema(sections())
    assert conforms({"keepwell": 1, "service": "a"}, schema, schema)
    assert not conforms({"keepwell": 2, "service": "a"}, schema, schema)
    assert not conforms({"keepwell": 1}, schema, schema)


def test_the_sample_validates_and_conforms(tmp_path: Path) -> None:
    text = sample(sections())
    operations = loaded(tmp_path, text)
    assert operations.options("garden").size == 2_000_000
    assert list(operations.entries("plants")) == ["rose"]
    schema = json_schema(sections())
    assert conforms(plain(parse_yaml(text.encode(), "f").root), schema, schema)
    assert "# Where plants stand.\n" in text


def test_the_reference_has_a_row_for_every_key() -> None:
    page = reference(sections())
    for row in [
        "| `amount` | a size with its unit (`200MB`, `4GiB`) | required | How much water. More in summer. |",
        "| `every` | a duration with units (`30s`, `5m`, `1h30m`) | `1d` | How often it is cared for. |",
        "| `times` | whole number, at least 1, at most 10 | `1` | How often in a row. |",
        "| `beside` | list of name of one of the places |  | Its neighbours. |",
        "| `soil` | text; `${VAR}` is replaced |  | What it stands in. Clay is heavy. |",
        "| `how` | one of `slowly`, `quickly` | `slowly` |  |",
        "| `weight` | one of `light`, `heavy` | `light` |  |",
        "| `labels` | names, each with text; `${VAR}` is replaced |  |  |",
        "| `either` | whole number or a duration with units (`30s`, `5m`, `1h30m`) |  |  |",
        "| `share` | a percentage (`80%`, `99.9%`) | `50%` |  |",
        "| `length` | number | required |  |",
        "| `enabled` | true or false | `true` |  |",
    ]:
        assert row in page.splitlines()
    assert page.index("## garden") < page.index("## places") < page.index("### plants: cut") < page.index("Below `steps`:")
    assert page.index("Below `steps`:") < page.index("### plants: water")


@pytest.mark.parametrize(
    ("word", "expected"), [("evry", "every"), ("EVERY", "every"), ("tims", "times"), ("", None), ("zzz", None), ("x" * 10000, None)]
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, ["every", "times", "enabled"]) == expected
    assert nearest(word, []) is None
