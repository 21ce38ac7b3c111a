"""What escalations declare: the sections ``escalations`` and ``rotas``, and what is wrong with them. Imports nothing costly."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from keepwell.kernel.problems import ConfigurationError, Problem
from keepwell.kernel.quoting import quoted
from keepwell.ports.offer import Section

if TYPE_CHECKING:
    from keepwell.config.decoding import Entry
    from keepwell.config.operations import Operations

    from .decide import People
    from .model import Policy, Rota

AHEAD = timedelta(weeks=8)
"""How far into the future gaps of a rota are looked for."""

_ESCALATIONS = """\
# escalations:
#   # Who is told when nobody acknowledges: receivers, contacts or rotas. A route names one by  escalate: primary
#   primary: [{after: 0m, to: week}, {after: 15m, to: [boss, people]}]
"""
_ROTAS = """\
# rotas:
#   week: {people: [anna, ben], handover: "Monday 09:00", zone: Europe/Berlin, starts: 2026-01-05}
"""


def sections() -> tuple[Section, ...]:
    """Both sections."""
    return (
        Section("escalations", "Who is told when nobody acknowledges, step by step", _escalations, named=True, sample=_ESCALATIONS),
        Section("rotas", "Whose week it is to be on call", _rotas, named=True, sample=_ROTAS),
    )


def policies_of(operations: "Operations") -> "dict[str, Policy]":
    """The escalations of a configuration, by name."""
    return {name: entry.common.policy(name) for name, entry in operations.entries("escalations").items()}  # type: ignore[attr-defined]


def rotas_of(operations: "Operations") -> "dict[str, Rota]":
    """The rotas of a configuration, by name."""
    return {name: entry.common.rota(name) for name, entry in operations.entries("rotas").items()}  # type: ignore[attr-defined]


def people_of(operations: "Operations") -> "People":
    """Whom the names in steps mean."""
    from .decide import People

    return People(frozenset(operations.entries("contacts")), rotas_of(operations))


def check(operations: "Operations") -> None:
    """Raises ConfigurationError where a step names nobody, or a name means two."""
    problems = [*_ambiguous(operations), *_unknown(operations)]
    if problems:
        raise ConfigurationError(*problems)


def doubts(operations: "Operations", told: Callable[[str], bool], now: datetime) -> list[Problem]:
    """What is allowed and probably not meant: rotas in which nobody is on call at some time of the next weeks, and people who are to be
    told and cannot be (``told`` says whether a contact can)."""
    return [*_gaps(operations, now), *_unreachable(operations, told)]


def _gaps(operations: "Operations", now: datetime) -> Iterator[Problem]:
    from .rota import gaps

    for name, rota in rotas_of(operations).items():
        found = gaps(rota, now, now + AHEAD)
        if found:
            first = found[0].start.astimezone(rota.zone).strftime("%Y-%m-%d %H:%M")
            total = sum(((gap.end - gap.start) for gap in found), timedelta(0)) // timedelta(hours=1)
            times = f"{len(found)} times" if len(found) > 1 else "once"
            message = f"in {name} nobody is on call {times} in the next 8 weeks, {total} h in all, first at {first} ({found[0].why})"
            hint = "an escalation goes on to its next step then: give it one, or write overrides"
            yield Problem("rota.gap", message, hint, operations.entries("rotas")[name].place)


def _unreachable(operations: "Operations", told: Callable[[str], bool]) -> Iterator[Problem]:
    contacts = operations.entries("contacts")
    named = {person for rota in rotas_of(operations).values() for person in (*rota.people, *(one.person for one in rota.overrides))}
    named |= {name for policy in policies_of(operations).values() for step in policy.steps for name in step.to if name in contacts}
    for name in sorted(named):
        if name in contacts and not told(name):
            message = f"{name} is to be told, and there is no way to"
            yield Problem(
                "contact.unreachable", message, "give the contact an email, slack: secret:NAME or receivers", contacts[name].place
            )


def _ambiguous(operations: "Operations") -> Iterator[Problem]:
    named: dict[str, str] = {}
    for section in ("receivers", "contacts", "rotas"):
        for name, entry in operations.entries(section).items():
            if name in named:
                message = f"{quoted(name)} is the name of one of the {named[name]} and of one of the {section}"
                yield Problem("config.ambiguous", message, "a step could mean either: rename one", entry.place)
            named.setdefault(name, section)


def _unknown(operations: "Operations") -> Iterator[Problem]:
    from keepwell.config.nearest import nearest

    known = [name for section in ("receivers", "contacts", "rotas") for name in operations.entries(section)]
    for name, entry in _escalation_entries(operations).items():
        for wanted in [one for step in entry.common.steps for one in step.names if one not in known]:  # type: ignore[attr-defined]
            near = nearest(wanted, known)
            hint = f"did you mean {quoted(near)}?" if near else f"what there is: {', '.join(sorted(known)[:10]) or 'none of them'}"
            message = f"{quoted(wanted)} in the escalation {quoted(name)} is no receiver, no contact and no rota"
            yield Problem("config.reference", message, hint, entry.place)


def _escalation_entries(operations: "Operations") -> "Mapping[str, Entry]":
    return operations.entries("escalations")


def _escalations() -> type[Any]:
    from .options import EscalationOptions

    return EscalationOptions


def _rotas() -> type[Any]:
    from .options import RotaOptions

    return RotaOptions
