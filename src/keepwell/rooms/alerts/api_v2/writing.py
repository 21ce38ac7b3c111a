"""Our values in the shapes of Alertmanager's API. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from keepwell import __version__
from keepwell.rooms.alerts.model import Labels, Matcher, Silence
from keepwell.rooms.alerts.silences import state_of
from keepwell.rooms.alerts.standing import GroupStanding, Standing, Standings

from .filters import AlertFilter, ReceiverFilter, has_matchers
from .instants import instant

INTERFACE = "0.32.0"
"""The Alertmanager whose API this is: the first one with labels of receivers and routes. Clients compare it with their own."""


def status(configuration: str, started_at: datetime) -> dict[str, Any]:
    """``status``: no cluster, the version that clients look at, and whose program it is beside it."""
    version = {"version": INTERFACE, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}
    return {
        "cluster": {"status": "disabled", "peers": []},
        "versionInfo": {**version, "application": f"Keepwell {__version__}"},
        "config": {"original": configuration},
        "uptime": instant(started_at),
    }


def receivers(names: Iterable[str], wanted: ReceiverFilter) -> list[dict[str, str]]:
    """``receivers``."""
    return [{"name": name} for name in names if wanted.fits(name)]


def alerts(standings: Standings, wanted: AlertFilter, of: ReceiverFilter, until: datetime) -> list[dict[str, Any]]:
    """``alerts``, by their fingerprints. ``until`` is the end of those that have none yet."""
    chosen = [one for one in standings.alerts if (of.wants_all or any(map(of.fits, one.receivers))) and wanted.wants(one)]
    return [_alert(one, until) for one in sorted(chosen, key=lambda one: one.alert.fingerprint)]


def groups(standings: Standings, wanted: AlertFilter, of: ReceiverFilter, muted: bool, until: datetime) -> list[dict[str, Any]]:
    """``alerts/groups``, by their labels and receivers; those without a wanted alert are left out. Unless ``muted``, so are those of
    which every alert is."""
    by_number = {one.alert.number: one for one in standings.alerts if wanted.wants(one)}
    found = []
    for standing in standings.groups:
        chosen = [by_number[number] for number in standing.numbers if number in by_number]
        if chosen and of.fits(standing.group.receiver) and (muted or not _is_muted(standing, chosen)):
            # Alertmanager names only wanted receivers here, in its list of alerts all of them.
            named = [replace(one, receivers=[name for name in one.receivers if of.fits(name)]) for one in chosen]
            found.append((standing, sorted(named, key=_order)))
    found.sort(key=lambda entry: (sorted(entry[0].group.labels.items()), entry[0].group.receiver, entry[0].group.key))
    return [_group(standing, chosen, until) for standing, chosen in found]


def _is_muted(standing: GroupStanding, chosen: Sequence[Standing]) -> bool:
    return bool(standing.muted_by) or all(one.silenced_by or one.inhibited_by for one in chosen)


def _order(standing: Standing) -> tuple[Any, ...]:
    """By job, then instance, then all labels; those without one come last (alertmanager, types.AlertSlice)."""
    labels = standing.alert.labels
    return (*(("job" not in labels, labels.get("job", "")), ("instance" not in labels, labels.get("instance", ""))), sorted(labels.items()))


def _group(standing: GroupStanding, chosen: Sequence[Standing], until: datetime) -> dict[str, Any]:
    return {
        "labels": _labels(standing.group.labels),
        "routeLabels": {},
        "receiver": {"name": standing.group.receiver},
        "alerts": [_alert(one, until, standing.muted_by) for one in chosen],
    }


def _alert(standing: Standing, until: datetime, muted_by: Sequence[str] = ()) -> dict[str, Any]:
    alert = standing.alert
    is_muted = standing.silenced_by or standing.inhibited_by or muted_by
    return {
        "annotations": _labels(alert.annotations),
        "endsAt": instant(alert.resolved_at or alert.expires_at or until),
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": name} for name in standing.receivers],
        "startsAt": instant(alert.firing_since or alert.active_since),
        "status": {
            "inhibitedBy": list(standing.inhibited_by),
            "mutedBy": list(muted_by),
            "silencedBy": list(standing.silenced_by),
            "state": "suppressed" if is_muted else "active",
        },
        "updatedAt": instant(alert.updated_at),
        **({"generatorURL": alert.generator_url} if alert.generator_url else {}),
        "labels": _labels(alert.labels),
    }


def _labels(labels: Labels) -> dict[str, str]:
    return dict(sorted(labels.items()))


def silences(kept: Iterable[Silence], states: Iterable[str], wanted: Sequence[Matcher], now: datetime) -> list[dict[str, Any]]:
    """``silences`` in these states with these matchers: those that end next, then those that begin next, then those that ended last
    (alertmanager, api/v2/api.go: SortSilences)."""
    chosen = [one for one in kept if state_of(one, now) in states and has_matchers(one, wanted)]
    return [silence(one, now) for one in sorted(chosen, key=lambda one: _silence_order(one, now))]


def _silence_order(silence: Silence, now: datetime) -> tuple[int, timedelta, str]:
    match state_of(silence, now):
        case "active":
            return 0, silence.ends_at - now, silence.id
        case "pending":
            return 1, silence.starts_at - now, silence.id
        case "expired":
            return 2, now - silence.ends_at, silence.id


def silence(kept: Silence, now: datetime) -> dict[str, Any]:
    """One silence."""
    return {
        "id": kept.id,
        "status": {"state": state_of(kept, now)},
        "updatedAt": instant(kept.updated_at),
        "annotations": _labels(kept.annotations),
        "comment": kept.comment,
        "createdBy": kept.created_by,
        "endsAt": instant(kept.ends_at),
        "matchers": [matcher(one) for one in kept.matchers],
        "startsAt": instant(kept.starts_at),
    }


def matcher(kept: Matcher) -> dict[str, Any]:
    """One matcher."""
    is_regex, is_equal = kept.operator.endswith("~"), kept.operator.startswith("=")
    return {"isEqual": is_equal, "isRegex": is_regex, "name": kept.label, "value": kept.value}
