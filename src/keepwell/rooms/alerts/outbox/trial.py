"""A notice that only tells that notices arrive: to try a receiver."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepwell.kernel.problems import NotFound
from keepwell.rooms.alerts.delivery.resolve import CONTACT, Receivers
from keepwell.rooms.alerts.fingerprint import fingerprint
from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Notice, NoticeAlert

from .model import Fate, Row

NAME = "TestAlert"
ESCALATION = "escalation "
"""Before an escalation's name, where everybody in it is meant."""
GROUP = "{}/test"
USUAL_SEVERITY = "info"
USUAL = "This is a test: nothing is wrong. Whoever reads it would have been told of an alert."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test says: how bad it pretends to be, in which words, by whom it was asked for; of which service, and where its pages are."""

    severity: str = ""
    message: str = ""
    by: str = ""
    service: str = ""
    external_url: str = ""


def trial(to: str, at: datetime, asked: Asked) -> Notice:
    """A test for whom ``to`` names, with a key of its own."""
    labels = {ALERT_NAME: NAME, SEVERITY: asked.severity or USUAL_SEVERITY, **({"service": asked.service} if asked.service else {})}
    annotations = {"summary": asked.message or USUAL}
    alert = NoticeAlert(0, fingerprint(labels), "firing", labels, annotations, at)
    return Notice(
        key=f"test-{secrets.token_hex(8)}",
        to=to,
        group_key=f"{GROUP}:{{receiver={to!r}}}",
        group_labels={ALERT_NAME: NAME},
        alerts=(alert,),
        at=at,
        reason=f"a test, asked for by {asked.by}" if asked.by else "a test",
        common_labels=labels,
        common_annotations=annotations,
        external_url=asked.external_url,
        service=asked.service,
        is_test=True,
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is to be told, and a sentence for each place in an escalation where nobody is."""

    to: Sequence[str]
    gaps: Sequence[str] = ()


Everybody = Callable[[str], tuple[Sequence[str], Sequence[str]] | None]
"""Whom an escalation reaches now, and where it reaches nobody; None where there is none of that name."""


def nobody(name: str) -> None:
    """Where there are no escalations."""


def chosen(receivers: Receivers, names: Sequence[str], everybody: Everybody = nobody) -> Chosen:
    """Those named (a person as ``contact NAME``, all that an escalation reaches as ``escalation NAME``), or all receivers. Raises NotFound
    where there is none of that name, or none at all."""
    wanted: dict[str, None] = {}
    gaps: list[str] = []
    for name in names or receivers.names():
        found = everybody(name.removeprefix(ESCALATION)) if name.startswith(ESCALATION) else ((name,), ())
        if found is None or any(receivers.ways(one) is None for one in found[0]):
            known = ", ".join((*receivers.names(), *(CONTACT + one for one in receivers.contacts)))
            raise NotFound(f"there is no receiver {name}", hint=f"what there is: {known or 'none'}; and escalation NAME")
        wanted |= dict.fromkeys(found[0])
        gaps += found[1]
    if not wanted and not gaps:
        raise NotFound("there is no receiver in the configuration", hint="add the section receivers")
    return Chosen(tuple(wanted), tuple(dict.fromkeys(gaps)))


def result(row: Row) -> Mapping[str, Any]:
    """What became of a test, in a few words: ``waiting`` where it was tried and is tried again."""
    state = Fate(row.state)
    return {"receiver": row.receiver, "state": state.value, "error": row.error, "key": row.key, "id": row.id, "tries": row.tries}


def gap(sentence: str) -> Mapping[str, Any]:
    """The same of a place in an escalation where nobody is."""
    return {"receiver": "", "state": "nobody", "error": sentence}
