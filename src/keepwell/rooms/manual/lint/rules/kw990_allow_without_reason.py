"""KW990: something is allowed, and nobody says why."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.allow import allowances
from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual


def _check(manual: Manual) -> Iterator[Finding]:
    for allowance in allowances(manual):
        if not allowance.reason:
            rules = " ".join(allowance.rules)
            yield Finding(
                allowance.line, f"{rules} is allowed without a reason, so the allowance counts for nothing", fix=f"allow {rules} REASON"
            )


RULE = Rule(
    id="KW990",
    name="allow-without-reason",
    title="A finding is allowed without a reason",
    severity=Severity.WARNING,
    why="Whoever reads the manual next year cannot know whether the danger was understood or only the warning disliked; so an allowance "
    "without a reason has no effect. Source: Keepwell's own rule.",
    bad="""# Notes

<!-- keepwell: allow KW101 -->

Read this first.
""",
    good="""# Notes

<!-- keepwell: allow KW101 the gateway in front retries, and its own check is elsewhere -->

Read this first.
""",
    check=_check,
)
