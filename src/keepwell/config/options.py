"""The base of every options class, and the types of its fields.

An options class is a frozen pydantic model whose documented fields give validation, the JSON Schema, the sample and the reference page.
(The text below each field is read from the source only where it is shown: ``meanings.py``.)
YAML's text becomes values here: ``5m`` a timedelta, ``10MB`` bytes, ``80%`` a ratio, ``> 10%`` a Comparison. A configuration is validated
in pydantic's JSON mode, so a YAML list becomes a ``tuple[X, ...]`` and YAML text an enum's member although types are strict.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from keepwell.kernel.comparisons import Comparison, parse_comparison
from keepwell.kernel.durations import parse_duration
from keepwell.kernel.percentages import parse_percentage
from keepwell.kernel.sizes import parse_size

_SECRET = r"secret:([A-Za-z_][A-Za-z0-9_]*|file:\S.*|command:\S.*)"


class Options(BaseModel):
    """A frozen section or entry of the configuration: unknown keys, wrong types, infinity and not-a-number are refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a text (or each text of a list, or the keys of a mapping) that names an entry of another section.

    A dangling one is reported with the nearest name that exists. Where ``acyclic``, so is a way that leads back to its start.
    ``also`` is a name that needs no entry; ``or_in`` another section whose entries may be named as well.
    """

    section: str
    acyclic: bool = False
    also: str = ""
    or_in: str = ""


@dataclass(frozen=True, slots=True)
class Expands:
    """Marks a text field in which ``${VAR}`` is replaced from the environment (``$${`` gives a literal ``${``)."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks a text that refers to a secret; any other text in its place is concealed wherever a problem quotes its line."""


def _quantity(words: str, read: Callable[[str], Any], already: type, *examples: str) -> tuple[PlainValidator, WithJsonSchema]:
    def convert(value: Any) -> Any:
        if isinstance(value, already):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("expected", "expected {expected}", {"expected": f"{words} such as {examples[0]}"})
        try:
            return read(value)
        except ValueError as error:
            raise PydanticCustomError("quantity", "{reason}", {"reason": str(error)}) from None

    schema = {"type": "string", "description": words, "examples": list(examples)}
    return PlainValidator(convert, json_schema_input_type=str), WithJsonSchema(schema)


def _secret(value: str) -> str:
    if re.fullmatch(_SECRET, value):
        return value
    reason = "a secret does not stand in this file" if not value.startswith("secret:") else "this refers to no secret"
    raise PydanticCustomError("secret", "{reason}", {"reason": reason})


def _http_url(value: str) -> str:
    """Refuses what no HTTP client could ask (RFC 3986; RFC 9110, 4.2): a wrong scheme, no host, a port that is none, white space."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not re.search(r"[\s\x00-\x20]", value)
    except ValueError:
        usable = False
    if not usable:
        raise PydanticCustomError("url", "this is no address that can be asked over HTTP: write http://HOST:PORT or https://HOST")
    return value


def _cadence(value: str) -> str:
    from keepwell.kernel.cadences import parse_cadence  # with a library that only what recurs needs

    try:
        parse_cadence(value, "UTC")
    except ValueError as error:
        raise PydanticCustomError("cadence", "{reason}", {"reason": str(error)}) from None
    return value


def _zone(value: str) -> str:
    from keepwell.kernel.zones import find_zone

    try:
        find_zone(value)
    except ValueError as error:
        raise PydanticCustomError("zone", "{reason}", {"reason": str(error)}) from None
    return value


class _Never:
    """No value is one of these: the quantity is always read from text."""


Duration = Annotated[timedelta, *_quantity("a duration with units", parse_duration, timedelta, "30s", "5m", "1h30m")]
Size = Annotated[int, *_quantity("a size with its unit", parse_size, _Never, "200MB", "4GiB")]
Percentage = Annotated[float, *_quantity("a percentage", parse_percentage, _Never, "80%", "99.9%")]
Limit = Annotated[Comparison, *_quantity("a comparison with a quantity", parse_comparison, Comparison, "> 10%", "< 30d", "> 100ms", ">= 5")]
CadenceText = Annotated[str, AfterValidator(_cadence)]
"""The text of a cadence (kernel/cadences), refused where it stands; in which zone, another key says."""
ZoneName = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone, refused where it stands."""
ExpandedText = Annotated[str, Expands()]
HttpUrl = Annotated[ExpandedText, AfterValidator(_http_url)]
"""An ``http://`` or ``https://`` address with a host, after ``${VAR}`` was replaced."""
SecretReference = Annotated[
    str,
    Secret(),
    AfterValidator(_secret),
    WithJsonSchema(
        {
            "type": "string",
            "description": "a reference to a secret",
            "pattern": f"^{_SECRET}$",
            "examples": ["secret:NAME", "secret:file:/run/secrets/name", "secret:command:pass show name"],
        }
    ),
]
"""``secret:NAME`` (environment), ``secret:file:PATH`` or ``secret:command:PROGRAM ARGUMENTS``: the reference, never the value."""
