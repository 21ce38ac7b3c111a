"""The template engine: the shared layout, each room's templates under its prefix, and text made harmless where it is printed."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""C0 and C1 controls (terminal escapes) save tab and line feed, and the marks that reorder text (Unicode UAX #9): a name or the output
of a command could pretend with them to be another. And lone surrogates, which cannot be sent."""


def visible(value: Any) -> Any:
    """Text with every control character and reordering mark replaced by a visible sign; other values and finished markup as they are."""
    if not isinstance(value, str) or value.isprintable() or isinstance(value, Markup):
        return value
    return _UNPRINTABLE.sub(_sign, value)


def runs(states: Iterable[str]) -> list[tuple[str, int, int]]:
    """Equal neighbours of a sequence taken together, as (state, where it starts, how many): a strip of 30 cells is mostly one run."""
    found, start = [], 0
    for state, group in groupby(states):
        length = sum(1 for _ in group)
        found.append((str(state), start, length))
        start += length
    return found


def tally(states: Iterable[str]) -> str:
    """How many there are of each, most frequent first: ``28 ok, 2 fail``."""
    return ", ".join(f"{count} {state}" for state, count in Counter(states).most_common())


def segment(name: str) -> str:
    """A name as one segment of an address's path (RFC 3986, 3.3); what cannot be sent becomes a question mark."""
    return quote(name, safe="", errors="replace")


def build_environment(templates: Mapping[str, str], asset_url: Callable[[str], str]) -> Environment:
    """An environment in which ``room/name.html`` is found in the folder that ``templates`` gives for the room.

    Everything printed is escaped and made ``visible``; a name that the context lacks is an error. Templates may use ``asset(name)``
    and the filters ``runs``, ``tally`` and ``segment``.
    """
    rooms: dict[str, BaseLoader] = {name: FileSystemLoader(folder) for name, folder in templates.items()}
    loader = ChoiceLoader([PrefixLoader(rooms), FileSystemLoader(Path(__file__).parent / "templates")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, finalize=visible, auto_reload=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["asset"] = asset_url
    environment.filters |= {"runs": runs, "tally": tally, "segment": segment}
    return environment


def _sign(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode block "Control Pictures"
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
