"""What a request to the API asks for: the parameters of its address and its form, read as Prometheus reads them, with its messages."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request

from keepwell.kernel.durations import parse_duration
from keepwell.ports.samples import Matcher
from keepwell.rooms.promql.engine import ALWAYS, Bounds, Wanted
from keepwell.rooms.promql.expression import Selector
from keepwell.rooms.promql.model import BadQuery
from keepwell.rooms.promql.parse import parse

FORM = "application/x-www-form-urlencoded"
MOST_POINTS = 11_000
MOST_FIELDS = 1_000
MOST_SELECTORS = 100
"""``match[]`` in one request: each goes through all series."""

_SHOWN = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FARTHEST = 1 << 53
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_MIN_TIME, _MAX_TIME = "-292273086-05-16T16:47:06Z", "292277025-08-18T07:12:54.999999999Z"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters in order, the form's before those of the address (Go, ``net/http``: Request.Form). Every reader raises BadQuery."""

    fields: Sequence[tuple[str, str]]

    def text(self, name: str) -> str:
        """The first of that name; empty where there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """All of that name."""
        return [value for key, value in self.fields if key == name]

    def instant(self, name: str, default: int | None = None) -> int:
        """Milliseconds since 1970; ``default`` where it is left out, or an error where that is None."""
        text = self.text(name)
        return default if not text and default is not None else read_instant(name, text, f"invalid time value for '{name}': ")

    def length(self, name: str) -> int | None:
        """Milliseconds; None where it is left out."""
        return read_length(name, text) if (text := self.text(name)) else None

    def limit(self, name: str = "limit") -> int:
        """How many of something; 0 for any number."""
        text = self.text(name)
        if not text:
            return 0
        if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
            raise invalid(name, f'strconv.Atoi: parsing "{_short(text)}": invalid syntax')
        if int(text) < 0:
            raise invalid(name, "limit must be non-negative")
        return int(text)

    def bounds(self) -> Bounds:
        """``timeout`` and ``lookback_delta``; as in Prometheus, one that is not above zero is the usual one."""
        timeout, look_back = self.length("timeout"), self.length("lookback_delta")
        return Bounds(timeout / 1000 if timeout else None, look_back if look_back is not None and look_back > 0 else None)

    def wanted(self, *, required: bool = False) -> Wanted:
        """Series by ``match[]``, ``start`` and ``end``."""
        start, end = self.instant("start", ALWAYS[0]), self.instant("end", ALWAYS[1])
        if end < start:
            raise invalid("end", "end timestamp must not be before start time")
        texts = self.all("match[]")
        if required and not texts:
            raise BadQuery("no match[] parameter provided")
        if len(texts) > MOST_SELECTORS:
            raise invalid("match[]", f"there are {len(texts)} of them, and at most {MOST_SELECTORS} are possible at once")
        return Wanted([read_selector(text) for text in texts], texts, start, end)


def invalid(name: str, why: str) -> BadQuery:
    """A parameter that is wrong, in Prometheus' words."""
    return BadQuery(f'invalid parameter "{name}": {why}')


async def parameters_of(request: Request) -> Parameters:
    """Those of a request. Raises BadQuery where there are too many."""
    body = await request.body() if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM else b""
    try:
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadQuery(f"error parsing form values: there are more than {MOST_FIELDS} of them") from None
    return Parameters((*form, *request.query_params.multi_items()))


def read_instant(name: str, text: str, wrong: str = "") -> int:
    """Seconds since 1970 or RFC 3339, to the millisecond. Raises BadQuery; ``wrong`` stands before its reason."""
    if text in (_MIN_TIME, _MAX_TIME):
        return ALWAYS[text == _MAX_TIME]
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if math.isfinite(seconds) and abs(seconds) < _FARTHEST / 1000:
            return math.floor(seconds * 1000 + 0.5)
    elif match := _RFC3339.fullmatch(text):
        try:
            moment = datetime.fromisoformat(match[1] + (match[3] if match[3] != "Z" else "+00:00"))
        except ValueError:
            moment = None
        if moment is not None:
            return (moment - _EPOCH) // timedelta(milliseconds=1) + int(((match[2] or ".")[1:] + "000")[:3])
    raise invalid(name, f'{wrong}cannot parse "{_short(text)}" to a valid timestamp')


def read_length(name: str, text: str) -> int:
    """Seconds, or a duration with units, in milliseconds. Raises BadQuery."""
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if math.isfinite(seconds) and abs(seconds) < _FARTHEST / 1000:
            return int(seconds * 1000)
        raise invalid(name, f'cannot parse "{_short(text)}" to a valid duration. It overflows int64')
    try:
        return parse_duration(text) // timedelta(milliseconds=1)
    except ValueError:
        raise invalid(name, f'cannot parse "{_short(text)}" to a valid duration') from None


def _short(text: str) -> str:
    """The text for a message."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def read_selector(text: str) -> Sequence[Matcher]:
    """The matchers of one ``match[]``. Raises BadQuery."""
    try:
        expression = parse(text)
    except BadQuery as error:
        raise invalid("match[]", str(error)) from None
    if not isinstance(expression, Selector) or expression.kind != "vector" or expression.offset or expression.at is not None:
        raise invalid("match[]", "1:1: parse error: a series selector is expected, nothing before and nothing behind it")
    return expression.matchers


def read_span(parameters: Parameters) -> tuple[tuple[int, int], int]:
    """``start``, ``end`` and ``step`` of a range query, in milliseconds. Raises BadQuery."""
    start, end = read_instant("start", parameters.text("start")), read_instant("end", parameters.text("end"))
    if end < start:
        raise invalid("end", "end timestamp must not be before start time")
    step = read_length("step", parameters.text("step"))
    if step <= 0:
        raise invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
    if (end - start) // step > MOST_POINTS:
        raise BadQuery("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
    return (start, end), step
