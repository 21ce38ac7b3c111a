"""KW420: a range of time over an expression of PromQL, without the colon of a subquery."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

_RANGE = re.compile(r"\)\s*(\[\d+(?:ms|[smhdwy])\])")


def _check(manual: Manual) -> Iterator[Finding]:
    queries = [(fence_line, text) for fence in manual.fences if fence.language == "promql" for fence_line, text in fence.lines]
    for script in manual.scripts:
        for command in script.named("curl", "promtool"):
            queries += [(word.line, word.filled) for word in command.arguments if "query" in word.filled]
    for setting in manual.settings:
        if setting.syntax == "yaml" and setting.key in ("expr", "query"):
            queries.append((setting.line, setting.value))
    for line, text in queries:
        match = _RANGE.search(text)
        if match:
            yield Finding(
                line,
                f"{match[1]} stands behind a function, where a range is refused (parse error): a subquery needs a colon",
                fix=f"{match[1][:-1]}:]",
            )


RULE = Rule(
    id="KW420",
    name="range-over-an-expression",
    title="A range of time stands behind a function",
    severity=Severity.ERROR,
    why="A range such as [30d] selects samples of a series and can stand behind a series only. Behind a function it has to be a "
    "subquery, [30d:] or "
    "[30d:5m]; without the colon the query is refused and every answer is empty. "
    "Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#subquery",
    bad="# Peak\n\n```promql\nmax_over_time(rate(requests_total[5m])[30d])\n```\n",
    good="# Peak\n\n```promql\nmax_over_time(rate(requests_total[5m])[30d:5m])\n```\n",
    check=_check,
)
