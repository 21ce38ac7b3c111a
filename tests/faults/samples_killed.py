"""Kills every step of keeping samples small at every point of writing, and looks at what is left.

``python -m tests.faults.samples_killed FOLDER [EVERY]``. Each stage begins with a folder as the stage before left it. A child process does
the stage and kills itself with SIGKILL at its n-th point (each, or only each so many); then what is served must be whole. A second child
begins as a server does and does the stage again; then all must be as if nothing had happened. It prints a line of JSON for each stage,
with the faults that it found.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from keepwell.rooms.samples.files.layout import Layout
from keepwell.rooms.samples.model import DAY, HOUR, Rolled, Tier
from keepwell.rooms.samples.rollup import increase, take
from tests.sampled_hours import MIDNIGHT, Folder, Sampled, an_hour, bits, rolled_list

EVERY = 120_000
OLD = MIDNIGHT - 20 * DAY
LATE = MIDNIGHT + HOUR


class Plug:
    """Counts the points; kills this process at the n-th."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.passed = 0
        self._kill_at = kill_at

    def __call__(self, _step: str) -> None:
        self.passed += 1
        if self.passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def samples_of(number: int, first: int = 0) -> list[Sampled]:
    return an_hour(MIDNIGHT + number * HOUR, EVERY, first)


def compact(folder: Folder) -> None:
    folder.compact(LATE)


def merge(folder: Folder) -> None:
    folder.merge(MIDNIGHT)


def drop(folder: Folder) -> None:
    layout = Layout(folder.path)
    layout.drop([file for tier in Tier for file in layout.files(tier) if file.start < MIDNIGHT], folder.point)


def late(folder: Folder) -> None:
    folder.append(samples_of(1, first=60_000))


def old(folder: Folder) -> None:
    """An old day, to be dropped by the last stage."""
    put = dict(folder.put)
    folder.append(an_hour(OLD, EVERY))
    folder.compact(OLD)
    folder.put.clear()
    folder.put.update(put)


def nothing_before(_folder: Folder) -> None:
    """A stage that needs no preparation."""


def other_hours(folder: Folder) -> None:
    for number in (0, 2):
        folder.append(samples_of(number))
        folder.compact(MIDNIGHT + number * HOUR)


Step = Callable[[Folder], None]
STAGES: Sequence[tuple[str, Step, Step]] = (
    ("compaction", nothing_before, compact),
    ("compaction of late samples", late, compact),
    ("merge of a day", other_hours, merge),
    ("compaction after the merge", lambda folder: folder.append(samples_of(1, first=30_000)), compact),
    ("second merge", nothing_before, merge),
    ("retention", old, drop),
)


def faults_of(folder: Folder, *, ended: bool) -> list[str]:
    """What is wrong with what is served: samples lost, altered or double, roll-ups that count twice or, at the end, too little."""
    found = []
    wanted = bits(folder.expected())
    served = [row for row in bits(folder.stored()) if row[1] >= MIDNIGHT]
    if served != wanted:
        found.append(f"{len(served)} samples are served instead of {len(wanted)}, or others")
    for tier in (Tier.FIVE_MINUTES, Tier.HOUR):
        rolled, expected = folder.rolled(tier), folder.expected_rolled(tier)
        keys = list(zip(rolled.series.tolist(), rolled.start.tolist(), strict=True))
        if len(set(keys)) != len(keys):
            found.append(f"{tier.value}: a row is there twice")
        most = dict(zip(zip(expected.series.tolist(), expected.start.tolist(), strict=True), expected.count.tolist(), strict=True))
        more = [key for key, count in zip(keys, rolled.count.tolist(), strict=True) if key[1] >= MIDNIGHT and count > most.get(key, 0)]
        if more:
            found.append(f"{tier.value}: {len(more)} rows count more samples than there are")
        if ended and tier is Tier.FIVE_MINUTES and rolled_list(rolled) != rolled_list(expected):
            found.append(f"{tier.value}: rows differ from those of the samples")
    if ended and increase(of_counter(folder.rolled(Tier.FIVE_MINUTES))) != increase(of_counter(folder.expected_rolled(Tier.FIVE_MINUTES))):
        found.append("the counter's increase differs")
    found += folder.files.damages.sentences()
    return found


def of_counter(rolled: Rolled) -> Rolled:
    return take(rolled, (rolled.series == 0).nonzero()[0])


def in_child(act: Callable[[], object]) -> int:
    """Runs it in a forked process; gives its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(stage: Step, folder: Folder, plug: Plug) -> None:
    stage(Folder(folder.path, plug, folder.put))


def again(stage: Step, folder: Folder) -> None:
    folder.begin()
    stage(folder)


def judged(folder: Folder, result: Path, *, ended: bool) -> None:
    result.write_text(json.dumps(faults_of(folder, ended=ended)))


def kill_everywhere(stage: Step, prepared: Folder, work: Path, every: int) -> tuple[int, list[str]]:
    """Every point of one stage: how many were killed, and the faults. The stage's own folder ends as if it had never been killed."""
    found: list[str] = []
    result, kills = work / "result", 0
    for number in range(1, 10_000, every):
        folder = Folder(work / "killed", put=prepared.put)
        shutil.rmtree(folder.path, ignore_errors=True)
        shutil.copytree(prepared.path, folder.path)
        status = in_child(lambda folder=folder, number=number: run(stage, folder, Plug(number)))
        if status == 0:
            break
        kills += status == -signal.SIGKILL
        if status != -signal.SIGKILL:
            found.append(f"point {number}: status {status}")
        steps = (
            ("killed", lambda folder=folder: judged(folder, result, ended=False)),
            ("done again", lambda folder=folder: again(stage, folder)),
            ("afterwards", lambda folder=folder: judged(folder, result, ended=True)),
        )
        for step, act in steps:
            result.write_text("[]")
            if in_child(act) != 0:
                found.append(f"point {number}, {step}: failed")
            found += [f"point {number}, {step}: {fault}" for fault in json.loads(result.read_text())]
    in_child(lambda: run(stage, prepared, Plug()))
    return kills, found


def main(work: Path, every: int = 1) -> None:
    """All stages, one after the other."""
    prepared = Folder(work / "prepared")
    prepared.begin()
    prepared.append(samples_of(1))
    for name, prepare, stage in STAGES:
        prepare(prepared)
        kills, faults = kill_everywhere(stage, prepared, work, every)
        print(json.dumps({"stage": name, "kills": kills, "faults": faults}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(number) for number in sys.argv[2:]))
