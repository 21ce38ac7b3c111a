"""The samples of chosen metrics in a page of Prometheus's text format."""

import re
from collections.abc import Collection

from keepwell.rooms.checks.texts import first_line, show

from .judging import Series

_SAMPLE = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*[ \t{]")
_MOST = 2_000
_LONGEST_LINE = 10_000


def samples_of(page: bytes, metrics: Collection[str]) -> dict[str, list[Series]]:
    """The series of each of these metrics. Raises ValueError in a few words where the page is none of measurements, or one of the lines
    cannot be read."""
    lines = [line.strip() for line in page.decode(errors="replace").split("\n")]
    samples = [line for line in lines if line and not line.startswith("#")]
    if lines and not samples and any(line.startswith("#") for line in lines):
        return {}
    if not samples or not _SAMPLE.match(samples[0]):
        raise ValueError(show(first_line(samples[0])) if samples else "it is empty")
    chosen = [line for line in samples if re.split(r"[ \t{]", line, maxsplit=1)[0] in metrics]
    if len(chosen) > _MOST:
        raise ValueError(f"the chosen metrics have {len(chosen)} series, and at most {_MOST} are read")
    return _parsed(chosen)


def _parsed(lines: list[str]) -> dict[str, list[Series]]:
    found: dict[str, list[Series]] = {}
    for line in lines:
        for name, series in _read(line):
            found.setdefault(name, []).append(series)
    return found


def _read(line: str) -> list[tuple[str, Series]]:
    from prometheus_client.parser import text_string_to_metric_families  # costs 70 ms, and only this kind needs it

    try:
        if len(line) > _LONGEST_LINE:
            raise ValueError("too long")
        families = list(text_string_to_metric_families(line + "\n"))
        return [(sample.name, Series(sample.labels, float(sample.value))) for family in families for sample in family.samples]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):  # what its parser raises at a broken line
        raise ValueError(f"a line cannot be read: {show(line[:200])}") from None
