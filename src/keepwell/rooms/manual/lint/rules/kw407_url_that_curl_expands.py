"""KW407: brackets or braces in a URL, which curl takes for a range or a list."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import short

_RANGE = re.compile(r"\[(?:\d+-\d+|[a-zA-Z]-[a-zA-Z])(?::\d+)?\]")
_ADDRESS = re.compile(r"//(?:[^/@]*@)?\[[0-9a-fA-F:.]+\]")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("curl"):
            sentence = "" if command.has_flag("-g", "--globoff") else _expanded(command)
            if sentence:
                yield Finding(
                    command.line,
                    sentence,
                    command.end_line,
                    command.column,
                    "curl --get --data-urlencode 'query=...' (or curl --globoff)",
                    width=len("curl"),
                )


def _expanded(command: ShellCommand) -> str:
    """What curl makes of the brackets or braces of a URL of the command; empty where it leaves the URL as it is."""
    for word in (*command.operands, *command.options("--url")):
        if "://" not in word.filled:
            continue
        url = _RANGE.sub("", _ADDRESS.sub("", re.sub(r"\$\{[^}]*\}|\$\([^)]*\)", "", word.filled)))
        bracket = re.search(r"(?<!\\)\[(?!\])[^\[\]]{0,40}\]?", url)
        if bracket:
            return f"curl takes {short(bracket[0], 40)} in the URL for a range, refuses it (exit 3, bad range) and sends no request"
        braces = re.search(r"(?<!\\)\{[^{}]*[=,\"][^{}]*\}", url)
        if braces:
            return f"curl takes {short(braces[0])} in the URL for a list and sends it without the braces"
    return ""


RULE = Rule(
    id="KW407",
    name="url-that-curl-expands",
    title="curl expands brackets and braces in a URL",
    severity=Severity.ERROR,
    why="curl has patterns of its own in URLs, whatever the shell's quotes: [1-9] is a range and {a,b} a list. A query such as "
    "rate(x[5m]) is therefore "
    "refused before anything is sent, with -s without a word, and what follows sees an empty answer. --globoff switches the patterns off; "
    "--data-urlencode encodes the query. Source: curl(1), URL and -g, --globoff.",
    bad="# Load\n\n```bash\ncurl -s 'http://prometheus:9090/api/v1/query?query=rate(requests_total[5m])'\n```\n",
    good="""# Load

```bash
curl -fsG --data-urlencode 'query=rate(requests_total[5m])' http://prometheus:9090/api/v1/query
curl -fs --globoff 'http://prometheus:9090/api/v1/query?query=rate(requests_total[5m])'
curl -fsO 'https://example.org/part[1-3].tar'
```
""",
    check=_check,
)
