"""KW412: the %cpu of ps taken for the load of the moment."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("ps"):
            columns = [*command.options("-o", "--format", "o", "-O"), *(word for word in command.operands if "cpu" in word.filled)]
            wanted = next((found[0] for word in columns if (found := re.search(r"%cpu|pcpu", word.filled))), "")
            if wanted and command.pipeline[-1].output.how in ("variable", "test", "file"):
                yield Finding(
                    command.line,
                    f"{wanted} of ps is the mean since the process was started: of a process that runs for days a spike does "
                    "not show in it",
                    column=command.column,
                    fix="pidstat -p PID 5 1, or two readings of /proc/PID/stat",
                    width=len("ps"),
                )


RULE = Rule(
    id="KW412",
    name="mean-since-the-start",
    title="The %cpu of ps is not the load of the moment",
    severity=Severity.WARNING,
    why="ps divides the time that a process has computed by the time that it has existed. For a service that has run for a month, "
    "a full minute at 100 % "
    "changes the figure by nothing that can be seen, so a threshold on it is never reached. Source: ps(1), STANDARD FORMAT "
    "SPECIFIERS, %cpu.",
    bad='# Load\n\n```bash\nCPU=$(ps -p 4711 -o %cpu --no-headers)\nif [ "${CPU%.*}" -gt 70 ]; then echo busy; fi\n```\n',
    good="# Load\n\n```bash\nCPU=$(pidstat -p 4711 5 1 | awk '/Average/ {print $8}')\nps aux --sort=-%cpu | head\n```\n",
    check=_check,
)
