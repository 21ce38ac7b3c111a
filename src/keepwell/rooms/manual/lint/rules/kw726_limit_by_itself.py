"""KW726: a limit is a percentile or mean of the very values that it limits."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Kind, Manual

from .tasks import place

_BY_ITSELF = re.compile(r"(?P<what>[\w /-]{3,40}?)\s*(?:>|≥|<|above|over|exceed(?:s|ing)?|below)\s*(?:the\s+)?(?P<limit>\d{1,3}(?:st|nd|rd|th)[- ]percentile|p(?:50|9\d)\b)(?!\s*(?:of|[<>=(]|is|target|\d))", re.I)  # fmt: skip # noqa: E501


def _check(manual: Manual) -> Iterator[Finding]:
    for item in manual.of(Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.TABLE_ROW, Kind.CHECKBOX):
        for match in _BY_ITSELF.finditer(item.text[:2000]):
            line = item.line + item.text.count("\n", 0, match.start())
            column, width = place(manual, line, match["limit"])
            yield Finding(
                line,
                f"{match['what'].strip()} is always above its own {match['limit']} for a part of the requests, so this can be neither "
                f"kept nor checked",
                column=column,
                width=width,
                fix="a figure: the 95th percentile of the response time above 2 s",
            )


RULE = Rule(
    id="KW726",
    name="limit-by-itself",
    title="A limit is a percentile of what it limits",
    severity=Severity.ERROR,
    why="By its definition five in a hundred requests are slower than their 95th percentile, on the best day and on the worst. The "
    "alert has no figure, "
    "so it either always fires or is never set up. Source: Prometheus documentation, Histograms and summaries (quantiles).",
    bad="# Alerts\n\n- Response time >95th percentile for >10 minutes\n",
    good="# Alerts\n\n- 95th percentile of the response time > 2 s for > 10 minutes\n"
    "- Response time: < 2 seconds for the 95th percentile\n",
    check=_check,
)
