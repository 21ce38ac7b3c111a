"""A notice as Alertmanager's webhook tells it: JSON, version 4 (its documentation, "webhook_config"; notify/webhook/webhook.go).

After Alertmanager's own keys stand ours: ``key`` (the same in every attempt), ``service``, ``reason``, ``test``; ``letter`` of a notice
that tells of no alerts (a report); and in each alert ``number``, ``value`` and ``acknowledgedBy``.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from keepwell.rooms.alerts.model import Letter, Notice, NoticeAlert

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero instant: the end of an alert that has not ended."""


def payload(notice: Notice, receiver: str, most: int = 0) -> dict[str, Any]:
    """The document. ``most`` (0: no limit) is how many alerts are told one by one; the rest are counted in ``truncatedAlerts``."""
    told = notice.alerts[:most] if most else notice.alerts
    return {
        "version": "4",
        "groupKey": notice.group_key,
        "truncatedAlerts": notice.truncated + len(notice.alerts) - len(told),
        "status": "resolved" if notice.is_resolved else "firing",
        "receiver": receiver,
        "groupLabels": dict(notice.group_labels),
        "commonLabels": dict(notice.common_labels),
        "commonAnnotations": dict(notice.common_annotations),
        "externalURL": notice.external_url,
        "alerts": [_alert(alert) for alert in told],
        "key": notice.key,
        "service": notice.service,
        "reason": notice.reason,
        "test": notice.is_test,
        **({"letter": _letter(notice.letter)} if notice.letter is not None else {}),
    }


def _letter(letter: Letter) -> Mapping[str, Any]:
    return {"title": letter.title, "summary": letter.summary, "text": letter.text, "link": letter.link}


def _alert(alert: NoticeAlert) -> Mapping[str, Any]:
    return {
        "status": alert.state,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": instant(alert.starts_at),
        "endsAt": instant(alert.ends_at) if alert.ends_at is not None else NEVER,
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
        "number": alert.number,
        "value": alert.value if alert.value is not None and math.isfinite(alert.value) else None,  # JSON has no NaN
        "acknowledgedBy": alert.acknowledged_by,
    }


def instant(at: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds where it has any."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds" if at.microsecond else "seconds")
    return text.replace("+00:00", "Z")
