"""Rules over the states of checks: judged in the very transaction that stores a check's change, and again when a time has passed.

What is kept here beside the alerts themselves belongs to this process only, and is kept once the change is stored (``keep``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heappop, heappush
from typing import Protocol

from keepwell.ports.alerts import Active
from keepwell.rooms.alerts.model import ALERT_NAME

from .flapping import ALWAYS, LOOKS, flaps, looked
from .life import Finding, Verdict, after, fires_at
from .model import CheckRule
from .options import ANY_CHECK

CHECK, TARGET = "check", "target"
_KEY = "rule"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Looked:
    """One look at a check. ``ordinal`` grows with each; ``state`` (ok, warn, fail, unknown) holds ``since``. ``explained_by`` names what is
    down instead, where the state is unknown for that."""

    check: str
    target: str
    ordinal: int
    at: datetime
    state: str
    since: datetime
    sentence: str
    explained_by: str = ""


class Turn(Protocol):
    """One change of the alerts: see work/desk.py."""

    now: datetime

    def tell(self, source: str, active: Sequence[Active], at: datetime) -> None:
        """See ports.alerts.Tell."""
        ...

    def known(self, source: str) -> Sequence[Active]:
        """See ports.alerts.Known."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """By what a check was judged (the state, what explains it, and which rules were in force), whether one of its alerts is held because it
    flaps, and when they change by themselves."""

    by: tuple[str, str, int] = ("", "", -1)
    is_held: bool = False
    due: datetime | None = None


Judgements = Mapping[str, Judgement]


@dataclass(slots=True)
class _Watched:
    newest: Looked | None = None
    states: tuple[str, ...] = ()
    judgement: Judgement = Judgement()


class CheckRules:
    """The rules over checks that are in force. ``link`` gives the address of a check's page."""

    def __init__(self, link: Callable[[str], str] = lambda check: "") -> None:
        self._link = link
        self._rules: Sequence[CheckRule] = ()
        self._of: dict[str, Sequence[CheckRule]] = {}
        self._version = 0
        self._watched: dict[str, _Watched] = {}
        self._timers: list[tuple[datetime, str]] = []

    def configure(self, rules: Sequence[CheckRule], checks: Iterable[str]) -> None:
        """Takes a configuration: every check is to be judged anew by it (``judge_due``)."""
        self._rules = rules
        self._of = {}
        self._version += 1
        self._watched = {name: self._watched.get(name) or _Watched() for name in checks}

    def rules_of(self, check: str) -> Sequence[CheckRule]:
        """The rules of a check: those that name it, else those for every check."""
        if check not in self._of:
            named = [rule for rule in self._rules if rule.check == check]
            self._of[check] = [rule for rule in named or self._rules if rule.check in (check, ANY_CHECK) and rule.enabled]
        return self._of[check]

    def is_source(self, source: str) -> bool:
        """Whether a source is a check of this configuration."""
        return source.startswith("checks/") and source.removeprefix("checks/") in self._watched

    def concerns(self, batch: Iterable[Looked]) -> bool:
        """Takes note of looks; whether any of them may begin, change or end an alert. Nearly none does."""
        found = False
        for look in batch:
            watched = self._watched.get(look.check)
            if watched is None:
                continue
            if watched.newest is None or watched.newest.ordinal < look.ordinal:
                watched.newest = look
                if look.state != _UNKNOWN:  # it says nothing of the check's target
                    watched.states = (*watched.states, look.state)[-LOOKS:]
            found = found or self._concerns(look, watched.judgement)
        return found

    def judge(self, batch: Iterable[Looked], turn: Turn) -> Judgements:
        """Tells what follows from these looks. The answer is to be kept once it is stored."""
        made: dict[str, Judgement] = {}
        for look in batch:
            watched = self._watched.get(look.check)
            if watched is not None and self._concerns(look, made.get(look.check, watched.judgement)):
                made[look.check] = self._judge(watched, look, look.at, turn)
        return made

    def judge_due(self, turn: Turn, *, are_new: bool) -> Judgements:
        """Tells what follows from time that passed, and, where the rules ``are_new``, from them. The answer is to be kept once it is
        stored."""
        made: dict[str, Judgement] = {}
        for name in list(self._watched) if are_new else [name for at, name in self._timers if at <= turn.now]:
            watched = self._watched.get(name)
            if watched is None or watched.newest is None or name in made:
                continue
            judgement = watched.judgement
            if judgement.by[2] != self._version or (judgement.due is not None and judgement.due <= turn.now):
                made[name] = self._judge(watched, watched.newest, turn.now, turn)
        return made

    def keep(self, made: Judgements) -> None:
        """What was judged is stored."""
        for name, judgement in made.items():
            if name in self._watched:
                self._watched[name].judgement = judgement
                if judgement.due is not None:
                    heappush(self._timers, (judgement.due, name))

    def next_due(self) -> datetime | None:
        """When the first alert changes by itself. (Those of before a start do so after the first look at their checks.)"""
        while self._timers and not self._is_timer(*self._timers[0]):
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def _is_timer(self, at: datetime, name: str) -> bool:
        """Whether that is still so: of what was judged anew, an earlier timer means nothing."""
        watched = self._watched.get(name)
        return watched is not None and watched.judgement.due == at

    def _concerns(self, look: Looked, judgement: Judgement) -> bool:
        return judgement.is_held or judgement.by != (look.state, look.explained_by, self._version)

    def _judge(self, watched: _Watched, look: Looked, at: datetime, turn: Turn) -> Judgement:
        source = f"checks/{look.check}"
        known = turn.known(source)
        judged = judged_check(self.rules_of(look.check), look, known, (watched.states, self._link(look.check)), at)
        if judged or known:
            turn.tell(source, [alert for _, alert in judged], at)
        times = (fires_at(rule.timing, alert) for rule, alert in judged)
        due = min((time for time in times if time is not None and time > at), default=None)
        by = (look.state, look.explained_by, self._version)
        return Judgement(by, any(alert.flapping for _, alert in judged), due)


def judged_check(
    rules: Sequence[CheckRule], look: Looked, known: Sequence[Active], beside: tuple[Iterable[str], str], now: datetime
) -> list[tuple[CheckRule, Active]]:
    """The alerts of a check after a look, each with its rule, from those that were ``known``. ``beside``: the check's states of late, and
    the address of its page. Pure."""
    earlier = {str(alert.memory.get(_KEY, "")): alert for alert in known}
    judged = []
    for rule in rules:
        before = earlier.get(rule.key)
        found = _finding(rule, look, before, beside)
        alert = after(rule.timing, before, found, now)
        if alert is not None:
            # Of a rule that was changed the labels are others: that is another alert.
            judged.append((rule, replace(alert, labels=found.labels)))
    return judged


def _finding(rule: CheckRule, look: Looked, before: Active | None, beside: tuple[Iterable[str], str]) -> Finding:
    states, link = beside
    target: Mapping[str, str] = {TARGET: look.target} if look.target else {}
    is_ours, is_about_us = look.state == _UNKNOWN, _UNKNOWN in rule.states
    holds = look.state in rule.states and not (is_ours and look.explained_by)
    verdict = Verdict.HOLDS if holds else Verdict.UNSURE if is_ours and not is_about_us else Verdict.OVER
    return Finding(
        verdict,
        labels={CHECK: look.check, **target, **rule.face.labels, ALERT_NAME: rule.face.name},
        annotations={"summary": look.sentence, **rule.face.annotations},
        since=look.at if is_about_us else look.since,
        doubt=look.sentence if verdict is Verdict.UNSURE else "",
        flapping=not is_about_us and _is_flapping(rule, states, before),
        memory={_KEY: rule.key},
        generator_url=link,
    )


def _is_flapping(rule: CheckRule, states: Iterable[str], before: Active | None) -> bool:
    bits = None
    for state in states:
        holds = state in rule.states
        bits = looked(ALWAYS * holds if bits is None else bits, holds)
    return bits is not None and flaps(bits, before is not None and before.flapping)
