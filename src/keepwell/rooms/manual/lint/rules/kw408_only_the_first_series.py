"""KW408: of a query's answer only the first series is read."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import short

_ONE_SERIES = re.compile(
    r"^\W*(?:\d+\s*[-*/+]\s*)?\(*\s*(?:sum|avg|min|max|count|scalar|vector|topk|bottomk|quantile|absent|time|histogram_quantile)\b"
)
_SHORT = 90
_SELECTED = re.compile(r"\b(?:instance|pod|job)\s*=\s*[\"']")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("jq"):
            source = command.pipeline[0]
            first = next((word.filled for word in command.operands if re.search(r"\.data\.result\[0\]", word.filled)), "")
            query = _query(source) if first and source.name == "curl" else ""
            if query and not _ONE_SERIES.match(query) and not _SELECTED.search(query):
                yield Finding(
                    command.line,
                    "the query gives one series for each set of labels and .data.result[0] reads only the first: "
                    f"'{short(query)}' has no sum or avg",
                    command.end_line,
                    command.column,
                    _mended(query),
                    width=len("jq"),
                )


def _mended(query: str) -> str:
    """Where the aggregation belongs: inside a function over time, on each side of a division, else around the whole."""
    over = re.fullmatch(r"(\w+_over_time)\((.+)\[([^\[\]:]+):?([^\[\]:]*)\]\)", query)
    if over:
        whole = f"{over[1]}(sum({over[2]})[{over[3]}:{over[4]}])"
        return whole if len(whole) <= _SHORT else f"sum(...) inside of {over[1]}, with a subquery: {over[1]}(sum(...)[{over[3]}:{over[4]}])"
    sides = re.fullmatch(r"(\w+\([^()]+\))\s*/\s*(\w+\([^()]+\))", query)
    if sides:
        return f"sum({sides[1]})/sum({sides[2]})" if len(query) <= _SHORT else "sum(...)/sum(...): one around each side of the division"
    if re.match(r"(rate|increase|irate)\(", query):
        return f"sum({query})" if len(query) <= _SHORT else "put sum(...) around the query"
    return "put max(...), avg(...) or sum(...) around the query, or name the one instance that is meant"


def _query(command: ShellCommand) -> str:
    """The expression that a curl sends to Prometheus; empty where it sends none, or more than an expression can be told."""
    for word in (*command.operands, *command.options("--data-urlencode", "-d", "--data")):
        match = re.search(r"(?:^|[?&])query=([^&]+)", word.filled)
        if match and "$" not in match[1] and "%" not in match[1]:
            return match[1].strip()
    return ""


RULE = Rule(
    id="KW408",
    name="only-the-first-series",
    title="Only the first of many series is read",
    severity=Severity.WARNING,
    why="A query without an aggregation answers with one series for every combination of labels: each handler, status and "
    "instance. The first of them, in "
    "no order that means anything, is then shown as the total or the rate of the service. "
    "Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-vectors",
    bad="""# Requests

```bash
curl -fsG --data-urlencode 'query=increase(http_requests_total[24h])' http://prometheus:9090/api/v1/query \\
  | jq -r '.data.result[0].value[1]'
```
""",
    good="""# Requests

```bash
curl -fsG --data-urlencode 'query=sum(increase(http_requests_total[24h]))' http://prometheus:9090/api/v1/query \\
  | jq -r '.data.result[0].value[1]'
```
""",
    check=_check,
)
