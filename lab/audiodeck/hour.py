"""An hour of real time: Keepwell runs the manual, faults come and go at random, and what people were told is compared with what was broken.

Said in the end: faults that nobody was told of (missed), notices of what was not broken (false), and what Keepwell itself needed.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keepwell.api.client import ServerClient
from keepwell.kernel.problems import KeepwellError

from .laboratory import AudioDeckLaboratory
from .layout import Layout
from .play import Sink, visit
from .preparing import KEEPWELL, Prepared, ToldAt, prepare

PACE = "15s"
"""How often everything is looked at. A state becomes worse by the second look that says so: one slow answer is no fault."""

ASKED = 2.0
"""Seconds between two questions what fires: they are part of what Keepwell needs, too."""
TOLD_WITHIN = 90.0
ENDED_WITHIN = 150.0

PROVED = "audiodeck-config"
"""The backup that is damaged; it is proved each minute."""
_FLOOD_RULE = """  - alert: LogFlood
    expr: 'rate(log_lines_total{log="audiodeck"}[30s]) > 1000'
    every: 10s
    severity: warning
"""
_DONE = {"acknowledge": "acknowledged", "mitigate": "mitigated"}
_ALONE = "KEEPWELL_AUDIODECK_ALONE"
_LOG_BYTES = 960_000_000
"""How large the log folder's own file system is: large enough for floods, small enough to be filled."""

_SERVED = ("health", "api-", "service-figures", "audio-test")
SEEN: Mapping[str, Sequence[str]] = {
    "service-down": (*_SERVED, "service-audiodeck", "process-", "port-", "connections-"),
    "api-slow": _SERVED,
    "api-errors": _SERVED,
    "audio-broken": ("health", "audio-test"),
    "memory-leak": ("process-",),
    "disk-filling": ("disk-",),
    "log-flood": ("LogFlood", "process-", "disk-", *_SERVED),
    "backup-corrupted": (f"proofs/{PROVED}",),
    "world-writable": ("permissions-", "world-writable"),
    "port-opened": ("ports",),
    "certificate-expired": ("certificate",),
}
"""Fault to the checks, audits, tasks or alerts that must show it: beginnings of their names. Who writes 20,000 lines a second
is slow and busy, and may fill the disk."""

_FIGURES = ("Availability", "ErrorRate")
"""Rules about long stretches: they follow any fault of the service, and stay for as long as their stretch."""


@dataclass(slots=True)
class Told:
    """What came of the hour."""

    faults: int = 0
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    unjudged: set[str] = field(default_factory=set)
    resident: int = 0
    resident_while: str = ""
    seconds: list[float] = field(default_factory=list)
    own: float = 0.0
    children: float = 0.0

    def __str__(self) -> str:
        slowest = max(self.seconds, default=0.0)
        return (
            f"{self.faults} faults, missed {len(self.missed)} {self.missed or ''}, false notices {len(self.false)} {self.false or ''} "
            f"(beside {len(self.unjudged)} of rules over long stretches, which this does not judge), "
            f"true ones that ended late {len(self.late)} {self.late or ''}; told after {slowest:.0f} s at most; "
            f"resident {self.resident / 1e6:.0f} MB at most ({self.resident_while}), "
            f"{100 * (self.own + self.children):.1f} % of a processor ({100 * self.own:.1f} % its own, the rest what it started)"
        )


def often(operations: Path) -> None:
    """Everything is looked at so often that faults of minutes show; what asks the package manager stays as it is."""
    file = operations / "keepwell.yaml"
    before, checks, rest = file.read_text("utf-8").partition("\nchecks:\n")
    mine, rules, after = rest.partition("\nrules:\n")
    entries = re.split(r"(?m)^(?=  [a-z][a-z0-9-]*:$)", mine)
    mine = "".join(
        entry if "updates:" in entry else re.sub(r"(?m)^    every: .*$", f"    every: {PACE}\n    fail_after: 2", entry)
        for entry in entries
    )
    for name in ("world-writable", "ports", "certificate"):
        after = re.sub(rf"(?m)^(  {name}: .*every: )[a-z]+}}$", r"\g<1>30s}", after)
    after = _FLOOD_RULE + _with_logs_watched(_with_backup_proved(after))
    # Nobody is there to give permissions.
    file.write_text(f"{before}{checks}{mine}{rules}{after.rstrip()}\n\npolicy: {{destructive: allow}}\n", "utf-8")


def _with_backup_proved(text: str) -> str:
    before, name, rest = text.partition(f"\n  {PROVED}:\n")
    return before + name + re.sub(r"(prove:\n      every: ).*", r'\1"* * * * *"', rest, count=1)


def _with_logs_watched(text: str) -> str:
    """Lines are counted as they come; logs that are flooded rotate by size, and few are kept."""
    before, heading, rest = text.partition("\nlogs:\n")
    rest = rest.replace("      keep: 30\n", "      size: 16MB\n      keep: 3\n", 1)
    return before + heading + rest.replace("    rotate:\n", '    watch: [{name: errors, pattern: "ERROR|CRITICAL"}]\n    rotate:\n', 1)


class Hour:
    """The hour under way."""

    def __init__(
        self, laboratory: AudioDeckLaboratory, prepared: Prepared, process: Process, chance: random.Random, faults: Sequence[str]
    ) -> None:
        self._laboratory, self._prepared, self._process, self._chance = laboratory, prepared, process, chance
        self._faults = faults
        self._client = ServerClient(prepared.data, 30.0)
        self._excused: set[str] = set()
        self._counted: set[str] = set()
        self._true: set[int] = set()
        self._newest = ""
        self.told = Told()

    async def run(self, minutes: float) -> None:
        """Breaks and repairs until the time is over."""
        await self._settle()
        begun, (own, children) = time.monotonic(), self._processor()
        while time.monotonic() < begun + 60 * minutes:
            await self._one(self._chance.choice(self._faults))
            await self._pause(self._chance.uniform(5, 25))
        elapsed, (own_after, children_after) = time.monotonic() - begun, self._processor()
        self.told.own, self.told.children = (own_after - own) / elapsed, (children_after - children) / elapsed

    async def _settle(self) -> None:
        """Until the server answers and has looked at everything; what is told of by then (updates of this machine) is excused."""
        for _ in range(300):
            try:
                checks = (await self._client.get("/api/v1/checks"))["checks"]
                if all(check["state"] not in ("unknown", "pending", None) for check in checks):
                    break
            except KeepwellError:
                pass
            await asyncio.sleep(0.5)
        await self._back_up()
        await asyncio.sleep(75)  # a proof each minute
        self._excused = set((await self._firing()).values())

    async def _one(self, fault: str) -> None:
        self.told.faults += 1
        self._newest = fault
        await self._laboratory.break_(fault)
        begun = time.monotonic()
        expected = SEEN[fault]
        while time.monotonic() < begun + TOLD_WITHIN:
            if any(self._fits(text, expected) for text in await self._look(expected)):
                self.told.seconds.append(time.monotonic() - begun)
                break
            await asyncio.sleep(ASKED)
        else:
            self.told.missed.append(fault)
        await self._answer("acknowledge")
        await self._pause(self._chance.uniform(0, 15), expected)
        await self._laboratory.repair(fault)
        if fault == "backup-corrupted":
            await self._back_up()
        for _ in range(int(ENDED_WITHIN / ASKED)):
            if not any(self._fits(text, expected) for text in await self._look(expected)):
                break
            await asyncio.sleep(ASKED)
        await self._answer("acknowledge", "mitigate", "resolve")

    async def _answer(self, *deeds: str) -> None:
        """What a person does with incidents; without that they tell, rightly, that nobody answers."""
        for incident in (await self._client.get("/api/v1/incidents?state=open"))["incidents"]:
            for deed in deeds:
                if deed == "resolve" or incident[_DONE[deed]] is None:
                    said = {"by": "simulated operator", "note": "simulated"}
                    await self._client.post(f"/api/v1/incidents/{incident['id']}/{deed}", said)

    async def _back_up(self) -> None:
        """A copy that there is to damage; after that a new one is what repairs it."""
        words = ("backups", "run", PROVED, "--data", str(self._prepared.data))
        process = await asyncio.create_subprocess_exec(KEEPWELL, *words, stdout=PIPE, stderr=STDOUT, env=dict(self._prepared.environment))
        said, _ = await process.communicate()
        if process.returncode:
            raise KeepwellError(f"keepwell {' '.join(words[:3])} ended with {process.returncode}", hint=said.decode())

    async def _pause(self, seconds: float, expected: Sequence[str] = ()) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self._look(expected)
            await visit(self._laboratory.address)
            await asyncio.sleep(ASKED)

    async def _look(self, expected: Sequence[str]) -> list[str]:
        """What fires. What of it began without a fault is a false notice; what began with one, and fires for longer than a fault is waited
        for (what comes and goes is held until it is steady), ended late. Each is counted once for as long as it fires."""
        firing = await self._firing()
        for number, text in firing.items():
            if self._fits(text, expected):
                self._true.add(number)
            elif text.partition(" ")[0] in _FIGURES:
                self.told.unjudged.add(text)
            elif text not in self._excused | self._counted:
                self._counted.add(text)
                (self.told.late if number in self._true else self.told.false).append(text)
        self._counted.intersection_update(firing.values())
        self._excused.intersection_update(firing.values())
        if (resident := self._resident()) > self.told.resident:
            self.told.resident, self.told.resident_while = resident, f"around {self._newest} {self.told.faults}"
        return list(firing.values())

    def _fits(self, text: str, expected: Sequence[str]) -> bool:
        about = text.partition(" ")[2]
        return any(about.startswith(name) or text == name for name in expected) and text not in self._excused

    async def _firing(self) -> dict[int, str]:
        """Of each alert that fires, by its number: its name, and the check, audit or whatever it is about."""
        alerts = (await self._client.get("/api/v1/alerts?state=firing"))["active_alerts"]
        return {alert["id"]: _words(alert) for alert in alerts}

    def _resident(self) -> int:
        fields = Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def _processor(self) -> tuple[float, float]:
        """Seconds of processor time: its own, and that of its children that ended (proc_pid_stat(5), fields 14 to 17)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return sum(map(int, fields[11:13])) / ticks, sum(map(int, fields[13:15])) / ticks


def _words(alert: Mapping[str, Any]) -> str:
    labels = alert["labels"]
    about = next((labels[key] for key in ("check", "audit", "task", "backup", "incident") if key in labels), "")
    return f"{labels.get('alertname', alert.get('name', ''))} {about}".strip()


def _mount_logs(layout: Layout) -> None:
    """Makes the log folder a file system of its own; only this process and those that it starts see it."""
    layout.logs.mkdir(parents=True, exist_ok=True)
    options = f"size={_LOG_BYTES},mode=0755"
    subprocess.run(("mount", "-t", "tmpfs", "-o", options, "audiodeck-logs", str(layout.logs)), check=True)


def _go_alone() -> bool:
    """Whether this process has mounts and a network (loopback) of its own; as root it begins anew with them. What else listens on this
    machine is then not seen by the audit of ports."""
    if os.environ.get(_ALONE):
        return True
    if os.geteuid() == 0 and shutil.which("unshare"):
        os.environ[_ALONE] = "yes"
        program = (sys.executable, "-m", "lab.audiodeck.hour", *sys.argv[1:])
        begin = ("sh", "-c", 'ip link set lo up && exec "$@"', "sh")
        os.execvp("unshare", ("unshare", "--mount", "--net", "--propagation", "private", *begin, *program))
    print("not as root, or without unshare(1): no file system can be filled, and disk-filling is left out", file=sys.stderr)
    return False


async def _played(root: Path, minutes: float, seed: int, *, only: Sequence[str] | None, alone: bool) -> Told:
    laboratory = AudioDeckLaboratory(root)
    sink = Sink(laboratory.layout)
    laboratory.layout.run.mkdir(parents=True, exist_ok=True)
    await sink.open()
    process: Process | None = None
    try:
        faults = sorted(only or SEEN)
        if alone:
            await asyncio.to_thread(_mount_logs, laboratory.layout)
        else:
            faults = [fault for fault in faults if fault != "disk-filling"]
        await laboratory.start()
        prepared = await asyncio.to_thread(prepare, laboratory.layout, laboratory.port, ToldAt(sink.hook, sink.mail), often)
        with (laboratory.layout.run / "keepwell.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(KEEPWELL, "up", str(prepared.operations), "--data", str(prepared.data), "--listen", "127.0.0.1:0"),
                stdout=log,
                stderr=log,
                env=dict(prepared.environment),
            )
        hour = Hour(laboratory, prepared, process, random.Random(seed), faults)
        await hour.run(minutes)
        return hour.told
    finally:
        if process is not None and process.returncode is None:
            process.terminate()
            await process.wait()
        await laboratory.stop()
        await sink.close()
        if alone:  # a folder that something is mounted on cannot be removed
            await asyncio.to_thread(subprocess.run, ("umount", "--lazy", str(laboratory.layout.logs)), check=False)


def main() -> int:
    """Plays the hour; 1 where a fault was missed or more than one notice was false."""
    parser = argparse.ArgumentParser(prog="python -m lab.audiodeck.hour", description="Faults at random, in real time.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--fault", action="append", choices=sorted(SEEN), help="only this one (may be repeated)")
    parser.add_argument("--root", type=Path, help="where everything lies; without it a temporary folder, which is removed")
    chosen = parser.parse_args()
    alone = _go_alone()
    root = chosen.root or Path(tempfile.mkdtemp(prefix="keepwell-", dir="/var/tmp"))
    try:
        told = asyncio.run(_played(root, chosen.minutes, chosen.seed, only=chosen.fault, alone=alone))
    except KeepwellError as error:
        print(json.dumps({"problem": str(error), "hint": error.problems[0].hint}), file=sys.stderr)
        return 2
    finally:
        if chosen.root is None:
            shutil.rmtree(root, ignore_errors=True)
    print(told)
    return int(bool(told.missed) or len(told.false) > 1)


if __name__ == "__main__":
    sys.exit(main())
