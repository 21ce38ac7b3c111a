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
                    f"sum({query[:60]})" if len(query) <= 60 else "put sum(...) or avg(...) around the query",
                    width=len("jq"),
                )


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
