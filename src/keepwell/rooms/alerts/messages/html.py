"""A notice as HTML, for mail. Everything foreign is escaped by the template engine; nothing is loaded from elsewhere."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.rooms.alerts.model import Notice

from .words import MOST_PASSAGES, words_of

if TYPE_CHECKING:
    from jinja2 import Template

_COLOURS = {"firing": "#c62828", "resolved": "#2e7d32"}


def html(notice: Notice, most: int = MOST_PASSAGES) -> str:
    """The whole notice as a document."""
    if notice.letter is not None:
        return notice.letter.html
    return _template().render(words=words_of(notice, most), colours=_COLOURS)


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).get_template(
        "mail.html"
    )
