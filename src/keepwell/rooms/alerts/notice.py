"""Notices: made of a group's alerts, and packed for the outbox."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from .model import MOST_TOLD, Alert, Group, Labels, Letter, Notice, NoticeAlert, State


def notice_of(key: str, to: str, group: Group, alerts: Sequence[Alert], reason: str, now: datetime) -> Notice:
    """What ``to`` is told of these alerts; whose service they are of, the caller adds. What all of them have in common is that of all, also
    of those beyond ``MOST_TOLD``."""
    return Notice(
        key=key,
        to=to,
        group_key=group.key,
        group_labels=group.labels,
        alerts=[_told(alert) for alert in alerts[:MOST_TOLD]],
        at=now,
        reason=reason,
        truncated=max(0, len(alerts) - MOST_TOLD),
        common_labels=_common([alert.labels for alert in alerts]),
        common_annotations=_common([alert.annotations for alert in alerts]),
        group_digest=group.digest,
    )


def _told(alert: Alert) -> NoticeAlert:
    return NoticeAlert(
        number=alert.number,
        fingerprint=alert.fingerprint,
        state="resolved" if alert.state is State.RESOLVED else "firing",
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.firing_since or alert.active_since,
        ends_at=alert.resolved_at,
        value=alert.value,
        generator_url=alert.generator_url,
        acknowledged_by=alert.acknowledged.by if alert.acknowledged else "",
    )


def _common(all_of_them: Sequence[Labels]) -> Labels:
    if not all_of_them:
        return {}
    common = dict(all_of_them[0])
    for labels in all_of_them[1:]:
        common = {name: value for name, value in common.items() if labels.get(name) == value}
        if not common:
            break
    return common


# --- packed --------------------------------------------------------------------------------------------------------------------

_INSTANTS = ("starts_at", "ends_at")


def packed(notice: Notice) -> bytes:
    """The notice as compressed JSON."""
    return zlib.compress(json.dumps(asdict(notice), default=_instant_text, separators=(",", ":")).encode("utf-8", "surrogatepass"), 1)


def unpacked(payload: bytes) -> Notice:
    """The notice again. Raises ValueError for anything else."""
    try:
        values: dict[str, Any] = json.loads(zlib.decompress(payload))
        values["at"] = datetime.fromisoformat(values["at"])
        values["alerts"] = [NoticeAlert(**_with_instants(alert)) for alert in values["alerts"]]
        letter = values.pop("letter", None)
        return Notice(**values, letter=Letter(**letter) if letter is not None else None)
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"this is no packed notice: {error}") from error


def _with_instants(alert: Mapping[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value) if name in _INSTANTS and value is not None else value for name, value in alert.items()}


def _instant_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not part of a notice")
