"""KW228: backups are made, and nothing ever tries to restore one."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Kind, Manual

from .saving import savings
from .saying import short

_TRIES = re.compile(
    r"\b(?:test|drill|rehears|exercis|verif|validat|prove|try|tried|practi[cs]e)\w*\b.{0,80}(?:back[ -]?up|restor|recover|disaster)"
    r"|(?:back[ -]?up|restor|recover|disaster)\w*\b.{0,80}\b(?:test|drill|rehears|exercis|verif|validat|integrity|practi[cs]e)",
    re.IGNORECASE,
)


def _check(manual: Manual) -> Iterator[Finding]:
    first = next(iter(savings(manual)), None)
    if first is None or any(_TRIES.search(text) for text in manual.lines):
        return
    heading = next((item for item in manual.of(Kind.HEADING) if re.search(r"back[ -]?up", item.text, re.IGNORECASE)), None)
    line = heading.line if heading is not None else first.command.line
    yield Finding(
        line,
        f"backups are made (line {first.command.line}: {short(first.program, 30)}), and nowhere does this manual say that one is restored "
        f"to see whether it works",
        fix="a quarterly task: restore the newest into a scratch place, compare, write down how long it took",
    )


RULE = Rule(
    id="KW228",
    name="backup-never-tried",
    title="Backups are made and never tried",
    severity=Severity.NOTE,
    why="What makes a backup useless (a missing table, a lost key, a format that nothing reads, ten hours of restore) is found by "
    "restoring it, on a quiet day "
    "or on the worst one. Source: NIST SP 800-34 Rev. 1, 3.4.2 and 3.5.2; Google SRE book, chapter 26 (recovery is what matters).",
    bad="""# Backup

```bash
pg_dump -Fc shop -f "/backup/shop-$(date +%F).dump"
```
""",
    good="""# Backup

```bash
pg_dump -Fc shop -f "/backup/shop-$(date +%F).dump"
```

Every quarter the newest dump is restored into shop_drill to test the backup.
""",
    check=_check,
)
