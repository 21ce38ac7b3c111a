"""Silences that are made, changed and ended in any order, beside Debian's alertmanager: the same ones stand, in the same states."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.alertmanager_clients import Api, Reply, alertmanager, api_of, configured
from tests.serving import operations, serving

MATCHERS = ([("a", "=", "b")], [("a", "=", "b"), ("c", "=~", "d|e")], [("a", "!=", "b")])
MINUTES = (-60, -10, 30, 90, 600)
"""From now on: far enough from it that a slow machine changes nothing."""


def body(chosen: random.Random, base: datetime, id: str | None, number: int) -> dict[str, Any]:
    """A silence to post. Sometimes its times, sometimes its matchers are others than before."""
    starts, ends = sorted((chosen.choice(MINUTES), chosen.choice(MINUTES)))
    matchers = [
        {"name": name, "value": value, "isRegex": "~" in operator, "isEqual": "!" not in operator}
        for name, operator, value in chosen.choice(MATCHERS)
    ]
    at = {"startsAt": (base + timedelta(minutes=starts)).isoformat(), "endsAt": (base + timedelta(minutes=ends)).isoformat()}
    return {"matchers": matchers, "createdBy": "ops", "comment": f"post {number}", **at, **({"id": id} if id else {})}


def unchanged(kept: dict[str, Any], chosen: random.Random, number: int) -> dict[str, Any]:
    """A post of a silence as it is shown, with another end: as amtool does it."""
    ends = datetime.fromisoformat(kept["endsAt"]) + timedelta(minutes=chosen.choice((-5, 5, 60)))
    return {
        **{key: kept[key] for key in ("id", "matchers", "startsAt", "createdBy")},
        "comment": f"post {number}",
        "endsAt": ends.isoformat(),
    }


class Side:
    """One of the two servers, and the silences that it made, in the order of their making."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ids: list[str] = []

    def post(self, content: dict[str, Any], which: int | None) -> tuple[int, int]:
        """The status, and which silence it is now: an earlier one, or one more."""
        reply = self.api.ask("POST", "/silences", {**content, **({"id": self.ids[which]} if which is not None else {})})
        if reply.status != 200:
            return reply.status, -1
        id = reply.body["silenceID"]
        if id not in self.ids:
            self.ids.append(id)
        return 200, self.ids.index(id)

    def kept(self, which: int) -> dict[str, Any]:
        """One silence as it is shown."""
        found: dict[str, Any] = self.api.get(f"/silence/{self.ids[which]}")
        return found

    def end(self, which: int) -> Reply:
        """Ends one."""
        return self.api.ask("DELETE", f"/silence/{self.ids[which]}")

    def shown(self) -> list[tuple[Any, ...]]:
        """All of them in the order of their making, without what is the server's own."""
        kept = sorted(self.api.get("/silences"), key=lambda one: self.ids.index(one["id"]))
        return [(one["status"]["state"], one["comment"], one["matchers"]) for one in kept]

    def moments(self) -> list[float]:
        """When each of them begins and ends, in seconds."""
        kept = sorted(self.api.get("/silences"), key=lambda one: self.ids.index(one["id"]))
        return [datetime.fromisoformat(one[name]).timestamp() for one in kept for name in ("startsAt", "endsAt")]


def test_any_order_of_changes_leaves_what_alertmanager_keeps(tmp_path: Path) -> None:
    chosen = random.Random(11)
    beside = "route: {receiver: ops}\nreceivers: [{name: ops}]\n"
    directory = operations(tmp_path / "ops", configured("http://127.0.0.1:9/"))
    with alertmanager(tmp_path, beside) as real, serving(directory, tmp_path / "data") as server:
        theirs, ours = Side(real), Side(api_of(server))
        base, done = datetime.now(UTC).replace(microsecond=0), {"new": 0, "again": 0, "longer": 0, "end": 0}
        for number in range(250):
            deed = chosen.choice(list(done)) if ours.ids else "new"
            which = chosen.randrange(len(ours.ids)) if ours.ids else 0
            done[deed] += 1
            if deed == "end":
                # Debian's one says 500 to the end of a silence that has ended; later ones say nothing, and so do we.
                assert ours.end(which).status == 200
                theirs.end(which)
                continue
            content = body(chosen, base, None, number) if deed in ("new", "again") else {}
            times = chosen.getstate()
            results = []
            for side in (theirs, ours):
                chosen.setstate(times)
                posted = content or unchanged(side.kept(which), chosen, number)
                results.append(side.post(posted, None if deed == "new" else which))
            assert results[0] == results[1], (deed, content)
        assert ours.shown() == theirs.shown()
        assert ours.moments() == pytest.approx(theirs.moments(), abs=60)
        assert min(done.values()) > 30
        assert {state for state, *_ in ours.shown()} == {"active", "pending", "expired"}
