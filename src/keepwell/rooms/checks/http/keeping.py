"""Values that a step keeps for later ones: where they stand in its response."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from keepwell.config.options import Options
from keepwell.kernel.conditions import json_value, parse_path
from keepwell.ports.http import Response

from .bodies import json_document, xml_document
from .names import TOKEN
from .xml import parse_xml_path, xml_value

_LONGEST = 16 * 1024


class Between(Options):
    """What stands between two texts of the body, at the first place where both do."""

    after: str = Field(min_length=1)
    """The text before it, for example ``name="csrf" value="``."""
    before: str = Field(min_length=1)
    """The text behind it, for example ``"``."""


def _source(value: Any) -> str | Between:
    if isinstance(value, Between):
        return value
    try:
        if isinstance(value, Mapping):
            return Between.model_validate(value)
        part, _, rest = str(value).partition(".")
        if part == "json":
            parse_path(rest)
        elif part == "xml":
            parse_xml_path(rest)
        elif part not in ("header", "cookie") or not TOKEN.fullmatch(rest):
            raise ValueError("write json.PATH, xml.PATH, header.NAME, cookie.NAME, or after and before")
    except ValidationError as error:
        first = error.errors()[0]
        raise PydanticCustomError("source", "{reason}", {"reason": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}) from None
    except ValueError as error:
        raise PydanticCustomError("source", "{reason}", {"reason": str(error)}) from None
    return str(value)


Source = Annotated[
    str | Between,
    PlainValidator(_source),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^(json|xml|header|cookie)\."}, Between.model_json_schema()]}),
]


def kept_values(keep: Mapping[str, str | Between], response: Response) -> tuple[dict[str, str], list[str]]:
    """The values found, and a clause for each that is missing. No clause shows a value."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for name, source in keep.items():
        value = _value(source, response)
        if value is None or len(value) > _LONGEST:
            missing.append(f"there is nothing to keep as {name} ({_place(source)})")
        else:
            found[name] = value
    return found, missing


def _place(source: str | Between) -> str:
    return source if isinstance(source, str) else "between two texts of the body"


def _value(source: str | Between, response: Response) -> str | None:
    if isinstance(source, Between):
        return _between(source, response.body.decode(errors="replace"))
    part, _, rest = source.partition(".")
    if part == "header":
        return next((value for name, value in response.headers.items() if name.lower() == rest.lower()), None)
    if part == "cookie":
        return next((cookie.value for cookie in response.cookies if cookie.name == rest), None)
    try:
        return xml_value(xml_document(response), rest) if part == "xml" else _scalar(json_value(json_document(response), rest))
    except ValueError:
        return None


def _between(source: Between, text: str) -> str | None:
    start = text.find(source.after)
    end = text.find(source.before, start + len(source.after)) if start >= 0 else -1
    return text[start + len(source.after) : end] if end >= 0 else None


def _scalar(value: object) -> str | None:
    """A JSON value as text; None for what holds others, and for nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
