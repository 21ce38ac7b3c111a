"""Pages of measurements read: which format, which text, and the rows that they say.

The formats are Prometheus' text format 0.0.4 and OpenMetrics 1.0. prometheus_client's parsers decide what is valid and what it says; they
manage a few megabytes a second. What was seen on an earlier page of the same target is not parsed again (``text.py``,
``openmetrics.py``), and gives exactly the same. The library costs memory, and is loaded with the first page only.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from keepwell.kernel.quoting import quoted

from .lines import MOST_LINES, NO_TIME, Labels, Page, PageError

if TYPE_CHECKING:
    from .openmetrics import OpenMetricsReader
    from .text import TextReader

__all__ = ["NO_TIME", "Labels", "Page", "PageError", "Reader", "openmetrics", "prometheus_text"]


class Reader:
    """Reads the pages of one target, one after the other, and remembers what it read. Not for two threads at once."""

    def __init__(self) -> None:
        self._reader: TextReader | OpenMetricsReader | None = None
        self.life = 0
        """How often it began anew: slots count from 0 again then."""

    def read(self, body: bytes, content_type: str = "") -> Page:
        """The rows of a page. ``content_type`` is the header's value; without one, or with another, the text format is tried, as
        Prometheus does. Raises PageError.

        Slots that an earlier page named stay what they are as long as the format does; else all slots of this page are ``fresh``."""
        kind = _reader_of(content_type)
        text = _decoded(body, content_type)
        if not isinstance(self._reader, kind):
            self._reader = kind()
            self.life += 1
        return self._reader.read(text)

    @property
    def slots(self) -> int:
        """How many series are remembered."""
        return self._reader.slots.count if self._reader is not None else 0

    def keep(self, kept: NDArray[np.int64]) -> None:
        """Forgets all slots but these (ascending); they are numbered from 0 in their order from now on."""
        if self._reader is not None:
            self._reader.keep(kept)

    def forget(self) -> None:
        """Forgets everything; the next page begins a new life."""
        self._reader = None


def is_openmetrics(content_type: str) -> bool:
    """Whether a Content-Type says OpenMetrics."""
    return content_type.partition(";")[0].strip().lower() == "application/openmetrics-text"


def openmetrics(text: str) -> Page:
    """The rows of one OpenMetrics text, as the library says them. Raises PageError."""
    from .openmetrics import OpenMetricsReader

    return OpenMetricsReader().read(text)


def prometheus_text(text: str) -> Page:
    """The rows of one text in format 0.0.4, as the library says them. Raises PageError."""
    from .text import TextReader

    return TextReader().read(text)


def _reader_of(content_type: str) -> "type[TextReader | OpenMetricsReader]":
    if is_openmetrics(content_type):
        from .openmetrics import OpenMetricsReader

        return OpenMetricsReader
    from .text import TextReader

    return TextReader


def _decoded(body: bytes, content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/vnd.google.protobuf", "application/x-protobuf"):
        raise PageError(0, f"the body is {quoted(kind)}, and only text in Prometheus' or OpenMetrics' format is read")
    start = body[:256].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise PageError(0, "the body is a page for people (HTML), not one of measurements")
    lines = body.count(b"\n")
    if lines > MOST_LINES:
        raise PageError(0, f"it has {lines} lines, and at most {MOST_LINES} are read")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise PageError(line, f"the byte 0x{body[error.start]:02x} is no UTF-8") from None
