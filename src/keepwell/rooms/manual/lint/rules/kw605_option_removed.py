"""KW605: flags with which a Java virtual machine no longer starts."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Fence, Manual

from .removed import JVM_FLAGS, Removed

_FLAG = re.compile(r"-XX:[+-]?(\w+)")
_BY_NAME = {entry.name: entry for entry in JVM_FLAGS}
_OLD_JAVA = re.compile(r"\b(?:java|jdk|jre|openjdk)[ :/-]?(?:version )?(?:1\.)?[78]\b", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    if any(_OLD_JAVA.search(line) for line in manual.lines):
        return
    for fence in manual.fences:
        found = list(_flags(fence))
        if found:
            line, first = found[0]
            names = list(dict.fromkeys(entry.name for _, entry in found))
            yield Finding(
                line,
                f"{', '.join(names[:6])}: gone {first.when}; a virtual machine of today does not start with "
                f"{'it' if len(names) == 1 else 'them'}",
                fix=first.instead,
            )


def _flags(fence: Fence) -> Iterator[tuple[int, Removed]]:
    for line, text in fence.lines:
        for match in _FLAG.finditer(text):
            entry = _BY_NAME.get(match[1])
            if entry and not text.lstrip().startswith("#"):
                yield line, entry


RULE = Rule(
    id="KW605",
    name="option-removed",
    title="The Java virtual machine does not know this flag any more",
    severity=Severity.ERROR,
    why="A flag that was removed is no warning: the virtual machine says 'Unrecognized VM option' and does not start. The flags "
    "of the old log of garbage "
    "collection went with JDK 9, the permanent generation with JDK 8, the CMS collector with JDK 14. "
    "Sources: https://openjdk.org/jeps/271 and https://openjdk.org/jeps/363",
    bad='# Memory\n\n```bash\nJAVA_OPTS="-Xmx4g -XX:+PrintGCTimeStamps -XX:+UseGCLogFileRotation"\n```\n',
    good='# Memory\n\n```bash\nJAVA_OPTS="-Xmx4g -XX:+UseG1GC -Xlog:gc*:file=/var/log/gc.log:time:filecount=5,filesize=10m"\n```\n',
    check=_check,
)
