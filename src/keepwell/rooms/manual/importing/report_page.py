"""The report of an import as one page that needs nothing else: opened from a file, it sends nothing and runs only its own filter.

Everything printed is escaped and made visible; the page's policy allows no address at all, and only its own style and script, by their
hashes (Content Security Policy Level 3, "Valid hashes").
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from difflib import ndiff
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

DISPOSITIONS = {
    "carried": "It means in Keepwell what it means in the manual.",
    "corrected": "It is wrong as written; what stands instead, and why, is shown.",
    "refused": "It is too dangerous as written; what to do instead is said.",
    "missing": "It waits for a value, a file or a script that nobody supplied.",
    "human": "A person does it.",
}
_LONGEST_DIFF = 400
"""Lines of an amendment that are compared; a longer one is shown as it is."""
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def page(report: Mapping[str, Any], clashes: Sequence[Mapping[str, Any]] = ()) -> str:
    """The HTML of a report, as ``report`` in report.py gives it, and of what the user and the import disagree about."""
    style, script = _packaged("report.css"), _packaged("report.js")
    summary = report["summary"]
    context = {
        "report": report,
        "clashes": clashes,
        "dispositions": [(name, says, summary["dispositions"].get(name, 0)) for name, says in DISPOSITIONS.items()],
        "fates": sorted(summary["fates"].items(), key=lambda pair: (-pair[1], pair[0])),
        "style": Markup(style),
        "script": Markup(script),
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
    }
    return _template().render(context)


def amended(before: str, after: str) -> list[tuple[str, str]]:
    """The lines of an amendment, each with what became of it: ``del``, ``ins`` or nothing."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > _LONGEST_DIFF:
        return [*(("del", line) for line in old), *(("ins", line) for line in new)]
    kinds = {"- ": "del", "+ ": "ins", "  ": ""}
    return [(kinds[line[:2]], line[2:].rstrip("\n")) for line in ndiff(old, new) if line[:2] in kinds]


def visible(value: Any) -> Any:
    """Text with every character that hides or reorders others replaced by a sign; other values as they are."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return _UNSEEN.sub(lambda match: chr(0x2400 + ord(match[0])) if ord(match[0]) < 0x20 else "\ufffd", value)


@cache
def _packaged(name: str) -> str:
    return files(__package__).joinpath("pages", name).read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=visible, trim_blocks=True, lstrip_blocks=True)
    environment.filters["amended"] = lambda part: amended(part["before"], part["after"])
    return environment.from_string(_packaged("report.html"))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
