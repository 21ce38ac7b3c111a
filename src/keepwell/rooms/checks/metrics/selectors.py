"""Selectors as Prometheus writes them (``node_load1``, ``up{job="api", instance!~"test.*"}``), applied here to labels.

Regular expressions are anchored at both ends, as there, and matched in linear time.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from keepwell.kernel.quoting import quoted
from keepwell.rooms.checks.patterns import Pattern, parse_pattern

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_MATCHER = re.compile(r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(,|$)""")
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be. A label that is absent counts as empty."""

    label: str
    operator: str
    value: str
    pattern: Pattern | None = None

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels fit."""
        value = labels.get(self.label, "")
        fits = self.pattern.found_in(value) if self.pattern is not None else value == self.value
        return fits != self.operator.startswith("!")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name, what its labels must be, and the text as it was written."""

    metric: str
    matchers: tuple[Matcher, ...]
    text: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels fit."""
        return all(matcher.holds(labels) for matcher in self.matchers)


def parse_selector(text: str) -> Selector:
    """Raises ValueError with one sentence where it is no selector of one metric."""
    written = text.strip()
    name, brace, rest = written.partition("{")
    inner, closing, behind = rest.rpartition("}")
    if len(text) > _LONGEST or not _NAME.fullmatch(name.strip()) or bool(brace) != bool(closing) or behind:
        raise ValueError(f'{quoted(text)} selects no series: write a metric and its labels, such as node_load1 or up{{job="api"}}')
    return Selector(name.strip(), parse_matchers(inner), written)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers with commas between them. Raises ValueError with one sentence."""
    found: list[Matcher] = []
    position = 0
    while text[position:].strip():
        match = _MATCHER.match(text, position)
        if match is None:
            raise ValueError(f'{quoted(text)} is no list of matchers: write them as Prometheus does, such as job="api", instance=~"web.*"')
        label, operator, literal, _ = match.groups()
        value = _unquoted(literal)
        pattern = parse_pattern(rf"^(?:{value})\z") if operator.endswith("~") else None
        found.append(Matcher(label, operator, value, pattern))
        position = match.end()
    return tuple(found)


def _unquoted(literal: str) -> str:
    """The text of a literal in quotes of either sort. Raises ValueError where an escape is none."""
    inner = literal[1:-1]
    if literal[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        raise ValueError(f"{quoted(literal)} holds an escape that is none: write \\\\ for a backslash") from None


def _read(parse: Callable[[str], Any], already: type) -> PlainValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, already):
            return value
        if not isinstance(value, str):
            raise ValueError("expected a selector as text")
        return parse(value)

    return PlainValidator(convert, json_schema_input_type=str)


SeriesSelector = Annotated[
    Selector,
    _read(parse_selector, Selector),
    WithJsonSchema({"type": "string", "description": "a selector of series", "examples": ["node_load1", 'up{job="api"}']}),
]


def _one_matcher(text: str) -> Matcher:
    found = parse_matchers(text)
    if len(found) != 1:
        raise ValueError(f"{quoted(text)} is not one matcher: write each as an entry of its own")
    return found[0]


LabelMatcher = Annotated[
    Matcher,
    _read(_one_matcher, Matcher),
    WithJsonSchema({"type": "string", "description": "a matcher of labels", "examples": ['severity="critical"', 'team=~"web|api"']}),
]
