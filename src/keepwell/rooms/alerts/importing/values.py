"""Texts of Alertmanager's file that mean more than themselves, read as Alertmanager 0.25 and Go read them."""

import re
from collections.abc import Callable
from datetime import timedelta

from keepwell.kernel.durations import parse_duration
from keepwell.kernel.patterns import whole as pattern
from keepwell.kernel.quoting import quoted
from keepwell.kernel.zones import find_zone
from keepwell.rooms.alerts.matcher_syntax import OPERATORS
from keepwell.rooms.alerts.matchers import classic_matchers, parse_matchers
from keepwell.rooms.alerts.model import Matcher
from keepwell.rooms.alerts.routing.interval_words import read_days, read_months, read_weekdays, read_years

Name = Callable[[str], str]
"""Gives a name as it is; raises ValueError for what is none."""

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DURATION = re.compile("".join(rf"(?:[0-9]+{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")))
_GO_DURATION = re.compile(r"[+-]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)")
_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*):(//(?P<authority>[^/?#]*))?(?P<rest>.*)", re.DOTALL)
_HOST = re.compile(r"(\[[^\[\]]*\]|[^\s:\[\]\\^`{|}\x00-\x20]*)(:[0-9]*)?")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*):([^:]*)")
_GLOB = re.compile(r"([^\[\\]|\\.|\[\^?([^\]\\-]|\\.)([^\]\\]|\\.)*\])*", re.DOTALL)
_TLS_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")


def label_name(name: str) -> str:
    """A label's name, as it was before Prometheus 3. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{quoted(name)} is no name of a label")
    return name


def any_label_name(name: str) -> str:
    """A label's name of any UTF-8, as later versions take it. Raises ValueError."""
    if not name:
        raise ValueError("a label's name is empty")
    return name


def duration(text: str) -> timedelta:
    """A duration as Prometheus writes it; ``0`` needs no unit. Raises ValueError."""
    if text == "0":
        return timedelta(0)
    if not text or not _DURATION.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no duration: write whole amounts with units, such as 30s, 5m or 1h30m")
    return parse_duration(text)


def go_duration(text: str) -> str:
    """A duration as Go writes it, such as ``1m30s`` or ``1.5h``; there are no days. Raises ValueError."""
    if not _GO_DURATION.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no duration of hours, minutes and seconds such as 1m30s")
    return text


def web_address(text: str) -> str:
    """An address of HTTP with a host. Raises ValueError, without the address: it may hold a secret."""
    address(text)
    found = _URL.fullmatch(text)
    if found is None or found["scheme"].lower() not in ("http", "https"):
        raise ValueError("this is no address that begins with http:// or https://")
    host = (found["authority"] or "").rpartition("@")[2]
    if not host:
        raise ValueError("this address has no host")
    if not _HOST.fullmatch(host):
        raise ValueError("this address has a host or a port that is none")
    return text


def address(text: str) -> str:
    """Any address or path. Raises ValueError."""
    if _CONTROL.search(text):
        raise ValueError("this address has a character that no address has")
    path = text.partition("?")[0].partition("#")[0]
    if _BAD_ESCAPE.search(path):
        raise ValueError("this address has a % that is followed by no two hexadecimal digits")
    return text


def host_port(text: str) -> str:
    """``HOST:PORT``; nothing at all is allowed. Raises ValueError."""
    found = _HOST_PORT.fullmatch(text)
    if text and (found is None or not found[2]):
        raise ValueError(f"{quoted(text)} is no server with its port: write HOST:25")
    return text


def tls_version(text: str) -> str:
    """``TLS12`` and the like. Raises ValueError."""
    if text not in _TLS_VERSIONS:
        raise ValueError(f"{quoted(text)} is no version of TLS: one of {', '.join(_TLS_VERSIONS)}")
    return text


def equal_matcher(label: str, value: str) -> Matcher:
    """What ``match`` means."""
    return Matcher(label, OPERATORS["="], value)


def pattern_matcher(label: str, value: str) -> Matcher:
    """What ``match_re`` means."""
    return Matcher(label, OPERATORS["=~"], value)


def regular(text: str) -> str:
    """A regular expression. Raises ValueError."""
    if not text:
        return text
    pattern(text, dot_fits_line_break=False)
    return text


def matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers in the classic syntax, which alone 0.25 reads. Raises ValueError."""
    return classic_matchers(text)


def newer_matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers in both syntaxes, as later versions read them. Raises ValueError."""
    return parse_matchers(text)


def glob(text: str) -> str:
    """A pattern of paths as Go's filepath.Match has it. Raises ValueError."""
    if not _GLOB.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no pattern of paths: a bracket is not closed, or a backslash stands at the end")
    return text


def zone(text: str) -> str:
    """A time zone; ``Local`` is that of the machine. Raises ValueError."""
    if text not in ("", "Local"):
        find_zone(text)
    return text


def weekdays(text: str) -> str:
    """Days of the week. Raises ValueError."""
    read_weekdays(text)
    return text


def days(text: str) -> str:
    """Days of the month. Raises ValueError."""
    read_days(text)
    return text


def months(text: str) -> str:
    """Months. Raises ValueError."""
    read_months(text)
    return text


def years(text: str) -> str:
    """Years. Raises ValueError."""
    read_years(text)
    return text
