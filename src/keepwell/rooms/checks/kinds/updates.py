"""The ``updates`` kind: pending updates and security updates, how old the package lists are, and whether a reboot is pending.

It asks apt or dnf, whichever the host has, without a lock and without a change. That takes them some seconds of processor time, so look
every hour or every day, with a timeout of a minute: ``every: 6h``, ``timeout: 1m``.
"""

from typing import Literal

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import NumberLimits, SecondsLimits, Verdict, given_or, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.packages import QUESTION, Updates, updates
from keepwell.rooms.checks.reboots import QUESTIONS, pending
from keepwell.rooms.checks.texts import show

_STALE = (parse_comparison("> 7d"), parse_comparison("> 30d"))
_ANY = parse_comparison("> 0")
_SHOWN = 5


class UpdatesOptions(Options):
    """Limits on what waits to be installed."""

    pending: NumberLimits = NumberLimits()
    """Limits on how many packages would be updated or come with the updates. No limit is usual."""
    security: NumberLimits = NumberLimits()
    """Limits on how many of them are security updates. Without warn and fail: warn ``> 0``."""
    lists: SecondsLimits = SecondsLimits()
    """Limits on the time since the package lists last changed, because old lists know of no new updates. Without warn and fail: ``> 7d``
    and ``> 30d``. (apt leaves its lists as they are where the archive has nothing new, so hours say little.)"""
    reboot: Literal["ok", "warn", "fail"] = "warn"
    """The state where a reboot is pending: /run/reboot-required is there, or a newer kernel than the running one is in /boot."""


def ask(options: UpdatesOptions, target: Target | None) -> tuple[Question, ...]:
    """The package manager's answer, and what tells of a reboot."""
    return (QUESTION, *QUESTIONS)


def read(options: UpdatesOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """Updates, the age of what is known of them, and the reboot."""
    verdicts: list[Verdict] = []
    values: dict[str, float] = {}
    try:
        found = updates(answers[0])
        if found is None:
            verdicts.append(Verdict(State.UNKNOWN, "this host has neither apt-get nor dnf, so nothing is known of its updates"))
        else:
            verdicts += _judged(options, found, values)
    except AnswerError as error:
        verdicts.append(Verdict(State.FAIL, str(error)))
    try:
        reboot = pending(answers[1:])
        values["reboot_pending"] = float(reboot.pending)
        verdicts.append(Verdict(State(options.reboot) if reboot.pending else State.OK, reboot.sentence))
    except AnswerError as error:
        verdicts.append(Verdict(State.FAIL, str(error)))
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values)


def _judged(options: UpdatesOptions, found: Updates, values: dict[str, float]) -> list[Verdict]:
    if found.age is None:
        return [Verdict(State.UNKNOWN, f"{found.manager} has no package lists, so nothing is known of updates")]
    values |= {"updates": float(len(found.packages)), "security_updates": float(len(found.security)), "lists_age_seconds": found.age}
    security = options.security
    warn, fail = (security.warn, security.fail) if security.warn is not None or security.fail is not None else (_ANY, None)
    urgent = judge(_counted(len(found.security), "security update"), len(found.security), warn, fail)
    which = f": {', '.join(show(name)[1:-1] for name in found.security[:_SHOWN])}{', …' if len(found.security) > _SHOWN else ''}"
    seen = f"the package lists of {found.manager} last changed {describe(found.age, Unit.SECONDS)} ago"
    return [
        Verdict(urgent.state, urgent.sentence + (which if found.security else "")),
        judge(_counted(len(found.packages), "update"), len(found.packages), options.pending.warn, options.pending.fail),
        judge(seen, found.age, *given_or(options.lists.warn, options.lists.fail, _STALE)),
    ]


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'} {'is' if number == 1 else 'are'} pending"


DRIVER = Kind(
    summary="Pending updates and security updates of apt or dnf, the age of the package lists, and a pending reboot",
    options=UpdatesOptions,
    ask=ask,
    read=read,
    values={
        "updates": "how many packages would be updated or come with the updates",
        "security_updates": "how many of them are security updates",
        "lists_age_seconds": "how long ago the package lists last changed",
        "reboot_pending": "1 where the host waits for a reboot, else 0",
    },
    example="""\
checks:
  updates:
    updates: {security: {warn: "> 0"}, pending: {warn: "> 50"}}
    every: 6h
    timeout: 1m
""",
)
