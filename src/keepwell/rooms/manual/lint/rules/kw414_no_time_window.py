"""KW414: a script appends all matches of a growing log at every run."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import GREPS, files_of, is_log, pattern_of, short


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named(*GREPS) if script.complete else ():
            pattern, last = pattern_of(command), command.pipeline[-1]
            appended = next((part for part in last.redirections if part.operator == ">>" and part.of_output and not part.discards), None)
            logs = [path for path in files_of(command) if is_log(path)]
            dated = any("$" in word.filled or "date" in word.filled for part in command.pipeline for word in part.operands)
            brief = any(part.name in ("tail", "head", "wc", "journalctl") for part in command.pipeline)
            if (
                pattern
                and appended
                and logs
                and command.is_first
                and not dated
                and not brief
                and not _starts_anew(script.text, appended.target.raw)
            ):
                yield Finding(
                    command.line,
                    f"every run appends all matches in {short(logs[0])} again, old ones too; those in rotated files are not searched",
                    command.end_line,
                    command.column,
                    "search only what is new: journalctl --since, or remember how far the last run has read (logtail)",
                    width=len(command.name),
                )


def _starts_anew(text: str, target: str) -> bool:
    """Whether the script empties or begins the file that it appends to, so that one run's report is what stands in it."""
    return bool(re.search(rf"(?<!>)>\s*{re.escape(target)}", text))


RULE = Rule(
    id="KW414",
    name="no-time-window",
    title="A recurring search has no time window",
    severity=Severity.WARNING,
    why="A script that runs again and again over a log that grows finds the same old lines each time. What was new since the last "
    "run cannot be seen, the "
    "report grows with every run, and what has been rotated away in between is never looked at. Source: logtail(8); "
    "journalctl(1), --since and --cursor-file.",
    bad="""# Audit

```bash
#!/bin/bash
# audit.sh
grep "authentication failed" /var/log/shop/app.log >> /var/log/shop/audit.log
```
""",
    good="""# Audit

```bash
#!/bin/bash
# audit.sh
journalctl -u shop --since yesterday | grep "authentication failed" >> /var/log/shop/audit.log
```
""",
    check=_check,
)
