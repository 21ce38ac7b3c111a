"""Limits, durations and figures as manuals write them: "Error rate > 5% for more than 5 minutes", "under 2 seconds". Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from keepwell.kernel.comparisons import parse_comparison

_LONGEST = 500
_SIGNS = {
    ">": ">", "<": "<", ">=": ">=", "<=": "<=", "≥": ">=", "≤": "<=", "above": ">", "over": ">", "exceeds": ">", "exceed": ">",
    "exceeding": ">", "exceeded": ">", "more than": ">", "greater than": ">", "higher than": ">", "longer than": ">", "below": "<",
    "under": "<", "less than": "<", "lower than": "<", "fewer than": "<", "at least": ">=", "at most": "<=",
}  # fmt: skip
_UNITS = {
    "%": "%", "percent": "%", "ms": "ms", "msec": "ms", "millisecond": "ms", "milliseconds": "ms", "s": "s", "sec": "s", "secs": "s",
    "second": "s", "seconds": "s", "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m", "h": "h", "hr": "h", "hrs": "h",
    "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d", "week": "w", "weeks": "w", "kb": "KB", "mb": "MB", "gb": "GB",
    "tb": "TB", "kib": "KiB", "mib": "MiB", "gib": "GiB", "tib": "TiB",
}  # fmt: skip
_TIMES = frozenset(("ms", "s", "m", "h", "d", "w"))
_OPPOSITE = {">": "<", "<": ">", ">=": "<", "<=": ">"}
_SIGN = "|".join(re.escape(sign).replace("\\ ", r"\s+") for sign in sorted(_SIGNS, key=len, reverse=True))
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_AMOUNT = rf"(?P<amount>\d{{1,12}}(?:,\d{{3}})*(?:\.\d{{1,6}})?)\s?(?P<unit>{_UNIT})?(?![\w.]*\w)"
_DURATION = re.compile(rf"(?<![\w.])(?P<amount>\d{{1,6}}(?:\.\d{{1,3}})?)[\s-]?(?P<unit>{_UNIT})(?!\w)", re.IGNORECASE)
_TAIL = r"\s+(?:of [\w ]{2,40}|on average|average|for \d+(?:st|nd|rd|th) percentile|free|available|remaining|left)\b"
_CONDITION = re.compile(
    r"(?<![\w-])(?P<metric>(?:\d{1,3}(?:st|nd|rd|th) )?[^\W\d_][\w /()'-]{0,70}?)\s*[:=]?\s*"
    r"(?:\b(?:target|threshold|limit|alert|goal|if|is|are|stays?|keep|(?:should|must)(?: always| never)? (?:be|stay|remain))\b\s*)*"
    rf"(?<![\w<>=-])(?P<sign>{_SIGN})\s*{_AMOUNT}(?P<tail>{_TAIL})?",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"\b(?:for|in the past|in the last|over the past|over the last|within)\s+(?:at least|more than|longer than|over|>|≥|>=)?\s*"
    rf"(?P<amount>\d{{1,5}})\+?[\s-]?(?P<unit>{_UNIT})(?!\w)",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"[A-Za-z]{2,20}\s+(?=for\b)")
_FREE = re.compile(r"\b(?:free|available|remaining|left)\b\s*")
_STATE = re.compile(
    r"(?P<state>[^\W\d_][\w /'-]{0,60}?\b(?:down|unavailable|unreachable|offline|not responding|not ready|failing|missing|stopped|absent))"
    rf"\s+for\s+(?:at least|more than|longer than|over|>|≥|>=)?\s*(?P<amount>\d{{1,5}})[\s-]?(?P<unit>{_UNIT})(?!\w)",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?P<sign>{_SIGN})?\s*{_AMOUNT}", re.IGNORECASE)
_WHOLE = r"(?:(?:average|avg|current|system|total|overall|host|server|node|individual)\.? )?"
_METRICS = tuple(
    (re.compile(_WHOLE + pattern), name)
    for pattern, name in (
        (r"(?:api )?(?:response times?|latency|response)", "response time"),
        (r"(?:memory|ram)(?: usage| utili[sz]ation| consumption| used)?", "memory"),
        (r"(?:cpu|processor)(?: usage| utili[sz]ation| load)?", "cpu"),
        (r"(?:disks?|disk space|storage|filesystem)(?: usage| utili[sz]ation| used| space)?", "disk"),
        (r"(?:service |system )?(?:uptime|availability)", "availability"),
        (r"(?:error|failure) (?:rates?|ratio)|errors", "error rate"),
        (r"(?:active |open )?connections", "connections"),
        (r"queue (?:depth|length|size)|queue|backlog", "queue depth"),
        (r"(?:request )?throughput", "throughput"),
    )
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A comparison of a metric: ``comparison`` is ``> 5%``, ``over`` how long it must hold (``5m``, or empty), ``tail`` what follows the
    amount (``of max``). ``about`` is the metric in the manual's own words, small letters."""

    about: str
    comparison: str
    over: str = ""
    tail: str = ""

    @property
    def metric(self) -> str:
        """The figure's usual name where it has one, else its words."""
        return metric_of(self.about)

    @property
    def words(self) -> str:
        """The condition as a rule's ``when``."""
        return " ".join(part for part in (self.about, self.comparison, self.tail, f"for {self.over}" if self.over else "") if part)

    @property
    def broken(self) -> "Limit":
        """The limit that is crossed where this, read as a target, does not hold."""
        sign, _, amount = self.comparison.partition(" ")
        return replace(self, comparison=f"{_OPPOSITE[sign]} {amount}")

    @property
    def used(self) -> "Limit":
        """A share that is free as the share that is used: ``free disk < 20%`` as ``disk > 80%``."""
        sign, _, amount = self.comparison.partition(" ")
        if not amount.endswith("%") or not (_FREE.search(self.about) or _FREE.search(self.tail)):
            return self
        used = _FREE.sub("", self.about).strip()
        if metric_of(used) not in ("memory", "disk", "cpu"):
            return self
        share = f"{100 - float(amount[:-1]):g}%"
        return replace(self, about=used, comparison=f"{_OPPOSITE[sign]} {share}", tail=_FREE.sub("", self.tail).strip())


def metric_of(words: str) -> str:
    """``CPU Usage`` as ``cpu``; words that are no usual figure stay, in small letters. What is counted over time (a percentile) or of one
    part (``redis memory``) is not the figure that one look at the service gives, so it keeps its words too."""
    small = " ".join(words.lower().split())
    return next((name for pattern, name in _METRICS if pattern.fullmatch(small)), small)


def limits_in(text: str) -> tuple[Limit, ...]:
    """Every condition that a text states, in its order."""
    return tuple(_conditions(text[:_LONGEST]))


def _conditions(text: str) -> Iterator[Limit]:
    at = 0
    while match := _CONDITION.search(text, at):
        behind = _next_word(text, match.end())
        counted = _COUNTED.match(text, behind)  # "> 100 mails for 5 minutes"
        over = _OVER.match(text, behind) or (_OVER.match(text, counted.end()) if counted else None)
        at = over.end() if over else match.end()
        about, comparison = _about(match["metric"]), _comparison(match)
        if comparison and about and not about.endswith("for"):
            tail = " ".join((match["tail"] or "").split())
            percentile = re.search(r"\b\d+(?:st|nd|rd|th) percentile", tail)
            if percentile:
                about, tail = f"{percentile[0]} {about}", ""
            yield Limit(about, comparison, _duration(over) if over else "", tail).used


def _next_word(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def state_in(text: str) -> tuple[str, str]:
    """What lasts, and how long it must: ``Application down for >2 minutes`` as ``("application down", "2m")``; empty where nothing does."""
    match = _STATE.search(text[:_LONGEST])
    about = _about(match["state"]) if match else ""
    return (about, _duration(match)) if match and about else ("", "")


def _about(words: str) -> str:
    small = re.sub(r"\([^)]*\)?", " ", words.lower())
    small = re.sub(r"^(?:\s*(?:when|if|and|or|where|alert|keep|ensure|maintain|the|a|an|overall|any)\b)+", " ", small)
    small = re.sub(r"\b(?:is|are|goes?|rises?|falls?|drops?|stays?|has been|remains?|on an?)\s*$", " ", " ".join(small.split()))
    return " ".join(small.strip(" -/'").split())


def _comparison(match: re.Match[str]) -> str:
    sign = _SIGNS[" ".join(match["sign"].lower().split())] if match["sign"] else ""
    unit = _UNITS.get((match["unit"] or "").lower(), "")
    text = f"{sign} {match['amount'].replace(',', '')}{unit}".strip()
    if not sign:
        return text
    try:
        parse_comparison(text)
    except ValueError:
        return ""
    return text


def limit_in_cell(about: str, cell: str, rising: bool = True) -> Limit | None:
    """The limit of a figure in a cell (``> 80% of max``, ``<50ms``, ``< 20% free``); a bare amount gets the sign of a limit that is crossed
    upwards or downwards."""
    text = cell[:_LONGEST].strip()
    match = _BARE.search(text)
    if match is None or not (match["sign"] or match["unit"] or match.end() == len(text)):
        return None
    comparison = _comparison(match)
    if not comparison:
        return None
    tail = re.match(_TAIL, text[match.end() :], re.IGNORECASE)
    over = _OVER.search(text, match.end())
    comparison = comparison if match["sign"] else f"{'>' if rising else '<'} {comparison}"
    return Limit(about, comparison, _duration(over) if over else "", tail[0].strip() if tail else "").used


def figure_in(text: str) -> str:
    """The first amount with a unit, without any sign: ``99.9%``, ``2s``. Empty where there is none."""
    found = next((match for match in _BARE.finditer(text[:_LONGEST]) if match["unit"]), None)
    return f"{found['amount'].replace(',', '')}{_UNITS[found['unit'].lower()]}" if found else ""


def share_in(text: str) -> str:
    """The first amount of a text where it is a share of a whole, above 0% and at most 100%; empty where it is none."""
    figure = figure_in(text)
    return figure if figure.endswith("%") and 0 < float(figure[:-1]) <= 100 else ""


def duration_in(text: str) -> str:
    """The first duration of a text (``15 minutes`` as ``15m``); ``0m`` where it says at once; empty where it names none."""
    found = next((match for match in _DURATION.finditer(text[:_LONGEST]) if _UNITS[match["unit"].lower()] in _TIMES), None)
    if found is not None:
        return _duration(found)
    return "0m" if re.search(r"\b(?:immediate(?:ly)?|at once|instant(?:ly)?)\b", text, re.IGNORECASE) else ""


def _duration(match: re.Match[str]) -> str:
    unit = _UNITS[match["unit"].lower()]
    return f"{match['amount']}{unit}" if unit in _TIMES else ""
