"""A notice that only tells that notices arrive: to try a receiver."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepwell.kernel.problems import NotFound
from keepwell.rooms.alerts.delivery.resolve import Receivers
from keepwell.rooms.alerts.fingerprint import fingerprint
from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Notice, NoticeAlert

from .model import Fate, Row

NAME = "TestAlert"
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


def chosen(receivers: Receivers, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those named (a contact as ``contact NAME``), or all receivers. Raises NotFound where there is none of that name, or none at all."""
    for name in names:
        if receivers.ways(name) is None:
            known = ", ".join((*receivers.names(), *(f"contact {one}" for one in receivers.contacts)))
            raise NotFound(f"there is no receiver {name}", hint=f"what there is: {known or 'none'}")
    wanted = names or tuple(receivers.names())
    if not wanted:
        raise NotFound("there is no receiver in the configuration", hint="add the section receivers")
    return wanted


def result(row: Row) -> Mapping[str, Any]:
    """What became of a test, in a few words: ``waiting`` where it was tried and is tried again."""
    state = Fate(row.state)
    return {"receiver": row.receiver, "state": state.value, "error": row.error, "key": row.key, "id": row.id, "tries": row.tries}
