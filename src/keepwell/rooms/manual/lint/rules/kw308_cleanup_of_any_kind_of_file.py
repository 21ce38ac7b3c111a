"""KW308: a cleanup of temporary files takes sockets, locks and folders too."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .deleting import find_deletes, find_roots
from .saying import short

_SHARED = ("/tmp", "/var/tmp", "/run", "/var/run")


def _check(manual: Manual) -> Iterator[Finding]:
    for command in manual.commands:
        if find_deletes(command) and not command.has_flag("-type"):
            root = next((root for root in find_roots(command) if root.rstrip("/") in _SHARED), "")
            if root:
                pattern = command.option("-name", "-iname")
                what = short(pattern.filled, 40) if pattern is not None else "everything"
                yield Finding(
                    command.line,
                    f"without -type f this deletes {what} in {root} of any kind: sockets and lock files of running programs; folders that "
                    f"are not empty make it fail",
                    column=command.column,
                    width=len(command.name),
                    fix="-type f, or leave it to systemd-tmpfiles (tmpfiles.d)",
                )


RULE = Rule(
    id="KW308",
    name="cleanup-of-any-kind-of-file",
    title="A cleanup of temporary files takes sockets and locks too",
    severity=Severity.WARNING,
    why="A socket's time stamp is that of its creation: a service that has run for a week has an old one, and nobody can connect once it "
    "is deleted. -delete also "
    "refuses folders that are not empty. Sources: find(1), -type and -delete; tmpfiles.d(5); unix(7).",
    bad="""# Cleanup

```bash
find /tmp -name "shop-*" -mtime +1 -delete
```
""",
    good="""# Cleanup

```bash
find /tmp -type f -name "shop-*" -mtime +1 -delete
```
""",
    check=_check,
)
