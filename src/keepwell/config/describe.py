"""The schema, the reference page and the sample of keepwell.yaml, all from the sections that rooms declare."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import ModelSchema

from keepwell.ports.offer import Section

from .meanings import meanings
from .nearest import nearest
from .words import model_words, quantity_defaults, unit_of

__all__ = ["json_schema", "nearest", "reference", "sample"]

_NAME_PATTERN = "^[a-z0-9][a-z0-9._-]{0,99}$"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class _Explained(GenerateJsonSchema):
    """Pydantic's schema with the meaning of each key, and defaults as they are written in YAML."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        properties = made.get("properties", {})
        for key, meaning in meanings(schema["cls"]).items():
            properties.get(key, {})["description"] = meaning
        for key, text in quantity_defaults(schema["cls"]).items():
            properties.get(key, {})["default"] = text
        return made


def json_schema(sections: Sequence[Section]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of keepwell.yaml. Loads every driver."""
    kinds = {section.key: _kinds(section) for section in sections}
    models = list(
        dict.fromkeys(
            [*(section.options() for section in sections), *(driver.options for each in kinds.values() for driver in each.values())]
        )
    )
    references, definitions = models_json_schema([(model, "validation") for model in models], schema_generator=_Explained)
    schemas = {model: references[model, "validation"] for model in models}
    bodies = definitions.get("$defs", {})
    properties: dict[str, Any] = {
        "keepwell": {"const": 1, "description": "The format of this file."},
        "service": {"type": "string", "minLength": 1, "maxLength": 100, "description": "The name of what is operated."},
    }
    for section in sections:
        entry: dict[str, Any] = schemas[section.options()]
        if section.kinds is not None:
            named = {name: schemas[driver.options] for name, driver in kinds[section.key].items()}
            entry = _with_kinds(bodies[entry["$ref"].rsplit("/", 1)[1]], named, section.kind_needed)
        if section.named:
            entry = {"type": ["object", "null"], "propertyNames": {"pattern": _NAME_PATTERN}, "additionalProperties": entry}
        if section.listed:
            entry = {"type": ["array", "null"], "items": entry}
        properties[section.key] = {**entry, "description": section.summary}
    return {
        "$schema": _DRAFT,
        "title": "keepwell.yaml",
        "type": "object",
        "properties": properties,
        "required": ["keepwell", "service"],
        "additionalProperties": False,
        "$defs": bodies,
    }


def _with_kinds(common: Mapping[str, Any], kinds: Mapping[str, Any], needed: bool) -> dict[str, Any]:
    """The schema of an entry that has the common keys and exactly one key that names a kind, or none where it need not."""
    properties = {**common.get("properties", {}), **kinds}
    ways: list[dict[str, Any]] = [{"required": [name]} for name in kinds]
    if not needed:
        ways.append({"not": {"anyOf": list(ways)}})
    schema = {"type": "object", "properties": properties, "additionalProperties": False, "oneOf": ways}
    if common.get("required"):
        schema["required"] = common["required"]
    return schema


def reference(sections: Sequence[Section]) -> str:
    """The reference page as Markdown: for each section and kind a table of keys, types, defaults and meanings. Loads every driver."""
    lines = [
        "# keepwell.yaml",
        "",
        "The configuration of an operations directory: YAML 1.2, so `on`, `off`, `yes`, `no` and `1:30` are text.",
        "",
    ]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    lines += [
        "| `keepwell` | 1 | required | The format of this file. |",
        "| `service` | text | required | The name of what is operated. |",
        "",
    ]
    for section in sections:
        each = _each(section)
        lines += [f"## {section.key}", "", f"{section.summary}.", "", *([each, ""] if each else []), *_tables(section.options()), ""]
        for name, driver in _kinds(section).items():
            lines += [f"### {section.key}: {name}", "", driver.summary, "", *_tables(driver.options), "", *_more(driver)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _each(section: Section) -> str:
    if section.listed:
        return "A list of entries; each may have:"
    if section.named:
        kind = (
            ("each has exactly one kind, and may have" if section.kind_needed else "each has at most one kind, and may have")
            if section.kinds
            else ""
        )
        return f"Entries by name; {kind or 'each may have'}:"
    return ""


def sample(sections: Sequence[Section]) -> str:
    """A commented keepwell.yaml to begin with; it validates."""
    head = """\
        # An operations directory: what is operated, and what is looked at.
        # YAML 1.2: on, off, yes, no and 1:30 are text. "keepwell reference" explains every key.
        keepwell: 1                # the format of this file
        service: my-service        # the name of what is operated
        """
    bodies = [f"# {section.summary}.\n{textwrap.dedent(section.sample).strip()}\n" for section in sections if section.sample.strip()]
    return "\n".join([textwrap.dedent(head), *bodies])


def _kinds(section: Section) -> dict[str, Any]:
    """The driver of every kind of a section."""
    if section.kinds is None:
        return {}
    drivers = section.kinds()
    return {name: drivers.load(name) for name in drivers.names()}


def _tables(model: type[BaseModel]) -> Iterator[str]:
    """A class's table, and below it the tables of the classes that its fields hold, each once. A class that is written as a list says so
    (``listed``)."""
    listed = getattr(model, "listed", "")
    if listed:
        yield listed
        return
    for part in model_words(model):
        if part.places:
            yield from ("", f"Below {', '.join(f'`{place}`' for place in part.places)}:", "")
        rows = [_row(f"`{one.key}`", one.form, one.default, one.meaning) for one in part.fields]
        yield from (_row("key", "type", "default", "meaning"), "|---|---|---|---|", *rows) if rows else ("It has no keys.",)


def _more(driver: Any) -> Iterator[str]:
    """What a driver tells beside its options: the values that it gives, and an example."""
    values: Mapping[str, str] = getattr(driver, "values", {})
    if values:
        rows = [_row(f"`{name}`", unit_of(name), meaning) for name, meaning in values.items()]
        yield from ("Its values:", "", _row("value", "unit", "meaning"), "|---|---|---|", *rows, "")
    if getattr(driver, "example", ""):
        yield from ("```yaml", driver.example.rstrip("\n"), "```", "")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
