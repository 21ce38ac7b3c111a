"""A report as one HTML file that needs nothing else: opened from a disk or a mail, it sends nothing and runs nothing.

Its policy allows no address at all, and only its own style, by its hash (Content Security Policy Level 3, "Valid hashes").
"""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from .model import Report
from .plots import legend, svg
from .words import instant

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def html(report: Report) -> str:
    """The file."""
    style = _packaged("report.css")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    return _environment().get_template("reports/whole.html").render({**context(report), "style": Markup(style), "policy": policy})


def context(report: Report) -> dict[str, Any]:
    """The values of the template ``body.html``."""
    return {
        "report": report,
        "made": instant(report.made_at),
        "from_words": instant(report.span.start),
        "to_words": instant(report.span.end),
        "parts": [
            {"part": part, "plots": [{"plot": plot, "svg": Markup(svg(plot)), "legend": legend(plot)} for plot in part.plots]}
            for part in report.parts
        ],
    }


def _visible(value: Any) -> Any:
    """Text with every character that hides or reorders others replaced by a sign; other values as they are."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return _UNSEEN.sub(lambda match: chr(0x2400 + ord(match[0])) if ord(match[0]) < 0x20 else "\ufffd", value)


@cache
def _packaged(name: str) -> str:
    return files(__package__).joinpath("pages", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    loader = FunctionLoader(lambda name: _packaged(name.removeprefix("reports/")))
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=_visible, trim_blocks=True, lstrip_blocks=True)


def _hash(style: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"
