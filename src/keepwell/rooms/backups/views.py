"""Backups as they are shown: one value a backup, and the JSON of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from keepwell.kernel.durations import format_duration

from .decide import Verdict
from .model import Copy, Run
from .resolve import Backup
from .words import copies_are

ENDED_BADLY = ("failed", "refused", "cut off")
"""States of runs that came to nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A backup as it stands: its copies that are there (oldest first), its newest making and proving, what is promised of it (recovery time
    and point; None where nothing is), and how many copies were ``lost`` since the newest was made: gone, and nobody deleted them."""

    backup: Backup
    copies: Sequence[Copy]
    made: Run | None
    proved: Run | None
    rto: timedelta | None = None
    rpo: timedelta | None = None
    lost: int = 0

    @property
    def newest(self) -> Copy | None:
        """The newest copy that is not doubted and not faulty."""
        return next((copy for copy in reversed(self.copies) if not copy.doubt and not copy.fault), None)

    @property
    def proven(self) -> Copy | None:
        """The copy that was proven last."""
        proven = [copy for copy in self.copies if copy.proven_at is not None and not copy.fault]
        return max(proven, key=lambda copy: copy.proven_at or copy.started, default=None)

    @property
    def state(self) -> str:
        """``waits`` (something is missing in the configuration), ``running``, ``failed`` (its newest making, proof or copy), ``none`` (no
        copy yet), ``made`` (never proven) or ``proven``."""
        runs = [run for run in (self.made, self.proved) if run is not None]
        if self.backup.why_not:
            return "waits"
        if any(run.state == "running" for run in runs):
            return "running"
        if self._failed or self.lost or (self.copies and self.copies[-1].fault):
            return "failed"
        return "none" if not self.copies else "proven" if self.proven else "made"

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        if self.backup.why_not:
            return self.backup.why_not
        if self._failed:
            return max(self._failed, key=lambda run: run.id).sentence
        if self.lost:
            return f"{copies_are(self.lost)} not in the repository any more, and not deleted by Keepwell"
        if self.copies and self.copies[-1].fault:
            return f"the newest copy cannot be relied on: {self.copies[-1].fault}"
        runs = [run for run in (self.made, self.proved) if run is not None and (run.state == "done" or self._is_accepted(run))]
        newest = max(runs, key=lambda run: run.id, default=None)
        if newest is None:
            return "no copy was made yet"
        return f"somebody accepted the copy {newest.copy}" if self._is_accepted(newest) else newest.sentence

    @property
    def _failed(self) -> list[Run]:
        runs = [run for run in (self.made, self.proved) if run is not None]
        return [run for run in runs if run.state in ENDED_BADLY and not self._is_accepted(run)]

    def _is_accepted(self, run: Run) -> bool:
        """Whether it made a copy that was implausible until a person said that it is right."""
        accepted = (copy.id for copy in self.copies if copy.accepted)
        return run.kind == "backup" and run.state == "failed" and run.copy in accepted

    def point(self, now: datetime) -> float | None:
        """The recovery point, in seconds: how much would be lost if all were lost now."""
        if self.newest is None or self.newest.started > now:  # its clock was wrong: nobody knows
            return None
        return (now - self.newest.started).total_seconds()

    @property
    def recovery(self) -> float | None:
        """The recovery time, in seconds, as the newest proof measured it."""
        return None if self.proven is None else self.proven.recovery_seconds


def shown_json(shown: Shown, now: datetime) -> dict[str, Any]:
    """A backup as JSON. Instants are in UTC, times in seconds, sizes in bytes."""
    backup, newest, proven = shown.backup, shown.newest, shown.proven
    return {
        "name": backup.name,
        "kind": backup.kind,
        "to": backup.repository,
        "every": backup.options.every or "",
        "zone": backup.options.zone,
        "proved_every": backup.prove.every or "",
        "state": shown.state,
        "sentence": shown.sentence,
        "copies": len(shown.copies),
        "newest": newest and copy_json(newest),
        "proven_at": iso(proven.proven_at) if proven is not None else None,
        "recovery_seconds": shown.recovery,
        "recovery_point_seconds": shown.point(now),
        "rto_seconds": shown.rto and shown.rto.total_seconds(),
        "rpo_seconds": shown.rpo and shown.rpo.total_seconds(),
        "waits": dict(backup.waits),
    }


def copy_json(copy: Copy) -> dict[str, Any]:
    """A copy as JSON."""
    return {
        "id": copy.id,
        "repository": copy.repository,
        "started": iso(copy.started),
        "finished": iso(copy.finished),
        "files": copy.files,
        "bytes": copy.bytes,
        "archive_bytes": copy.archive_bytes,
        "manifest_sha256": copy.digest,
        "doubt": copy.doubt,
        "fault": copy.fault,
        "proven_at": iso(copy.proven_at),
        "recovery_seconds": copy.recovery_seconds,
        "gone_at": iso(copy.gone_at),
        "gone_why": copy.gone_why,
    }


def run_json(run: Run) -> dict[str, Any]:
    """A making or proving as JSON."""
    return {
        "id": run.id,
        "kind": run.kind,
        "backup": run.backup,
        "by": run.by,
        "at": iso(run.at),
        "state": run.state,
        "started": iso(run.started),
        "ended": iso(run.ended),
        "copy": run.copy,
        "sentence": run.sentence,
        "facts": dict(run.facts),
    }


def verdicts_json(verdicts: Sequence[Verdict]) -> Mapping[str, str]:
    """Why each copy is kept, or goes with the next backup, by its id."""
    return {one.copy.id: one.why if one.kept else f"goes with the next backup: {one.why}" for one in verdicts}


def measured(seconds: float | None, promised: timedelta | None) -> str:
    """A recovery time or point beside what is promised."""
    found = "not measured" if seconds is None else format_duration(timedelta(seconds=_rounded(seconds)))
    if promised is None:
        return found
    met = "" if seconds is None else ", met" if seconds <= promised.total_seconds() else ", missed"
    return f"{found} (promised {format_duration(promised)}{met})"


def _rounded(seconds: float) -> float:
    """As exact as people read it: below a second to a millisecond, below a minute to a tenth. What took time is never nothing."""
    return max(0.001, round(seconds, 3)) if 0 < seconds < 1 else round(seconds, 1 if seconds < 60 else 0)


def iso(at: datetime | None) -> str | None:
    """An instant as it is written in JSON."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
