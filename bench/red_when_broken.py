"""Whether what was imported goes red when it should, and only then: two manuals are imported, and run against what they operate.

``python -m bench.red_when_broken [--rounds N] [--all]``. Each check is well first; then each fault that it is about is brought about in the
operated host: it must be red with a sentence that names the matter, and be well again afterwards. Then all of them are looked at as often
as in an hour in which nothing is broken. Needs root (see tests/systemd_host.py) and the manuals beside the checkout.
"""

import argparse
import json
import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml

from bench.importing import Figure
from bench.injected import Injection, injections, judges_nothing, why_not
from bench.operated_host import DOMAIN, Lines, OperatedHost, operated_host
from keepwell.rooms.checks.model import CheckOptions
from keepwell.rooms.manual.importing.decide import import_manual
from tests.support import outside

MANUALS = ("audiodeck-connect.md", "speech-to-text.md")
VALUES = {"YOURDOMAIN_COM": DOMAIN}
ROUNDS = 120
"""An hour of looks every thirty seconds."""

_PATIENCE_SECONDS = 12.0
_RECOVERY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """A check under a fault. ``well`` before and after it; ``state`` and ``sentence`` are those seen last while it was on."""

    check: str
    fault: str
    words: str
    state: str = ""
    sentence: str = ""
    well: tuple[bool, bool] = (False, False)
    was_busy: bool = False
    """Other work kept the machine so busy that the check said so before the fault: nothing can be seen of it here and now."""

    @property
    def is_red(self) -> bool:
        """Whether it was red, and with the right sentence."""
        return self.state in ("warn", "fail") and re.search(self.words, self.sentence) is not None

    @property
    def is_right(self) -> bool:
        """Whether it was well before, red with the right sentence under the fault, and well again."""
        return self.is_red and all(self.well)


@dataclass(frozen=True, slots=True)
class Red:
    """A look in the healthy hour that was not ok. ``is_true``: other work kept the machine as busy as it says, so it is no false alarm."""

    check: str
    state: str
    sentence: str
    is_true: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen. ``unmet`` are checks that nothing in the laboratory answers, with the reason; ``unlimited`` judge nothing; ``rules``
    wait for samples over time."""

    rows: tuple[Row, ...]
    looks: int
    red: tuple[Red, ...]
    unmet: tuple[tuple[str, str], ...]
    unlimited: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def right(self) -> float:
        """Percent of the rows that are right."""
        return 100 * sum(row.is_right for row in self.rows) / max(1, len(self.rows))

    @property
    def wrong(self) -> tuple[Red, ...]:
        """The looks of the healthy hour that were not ok without a reason."""
        return tuple(red for red in self.red if not red.is_true)

    @property
    def false_alarms(self) -> float:
        """Percent of the looks in the healthy hour that were not ok without a reason."""
        return 100 * len(self.wrong) / max(1, self.looks)


@dataclass(frozen=True, slots=True)
class Imported:
    """The files of each operations directory by its name, the faults of each check, and what cannot be measured."""

    files: dict[str, dict[str, str]]
    faults: dict[str, tuple[Injection, ...]]
    unmet: tuple[tuple[str, str], ...]
    unlimited: tuple[str, ...]
    rules: tuple[str, ...]


def imported() -> Imported:
    """The manuals as import gives them, with the values that a person fills in."""
    files, faults, unmet, unlimited, rules = {}, {}, [], [], []
    for name in MANUALS:
        directory = name.removesuffix(".md")
        whole = import_manual(outside("manuals", name).read_bytes(), name, VALUES)
        files[directory] = dict(whole.files)
        configuration = yaml.safe_load(whole.files["keepwell.yaml"])
        bases = {target: settings.get("url", "") for target, settings in configuration.get("targets", {}).items()}
        rules += [f"{directory}: {rule.get('when') or rule.get('expr')}" for rule in configuration.get("rules", ())]
        for check, entry in configuration["checks"].items():
            kind, settings = next((key, value) for key, value in entry.items() if key not in CheckOptions.model_fields)
            found = injections(kind, settings, bases.get(settings.get("target", ""), ""))
            reason = why_not(kind, settings)
            if reason or (not found and not judges_nothing(kind, settings)):
                unmet.append((f"{directory}/{check}", reason or "the laboratory has no fault for it"))
            elif not found:
                unlimited.append(f"{directory}/{check}")
            else:
                faults[f"{directory}/{check}"] = found
    return Imported(files, faults, tuple(unmet), tuple(unlimited), tuple(rules))


def measure(rounds: int = ROUNDS) -> Measured:
    """Boots the host and measures; takes two to four minutes. Skips (pytest) where this machine or checkout cannot do it."""
    given = imported()
    by_fault: dict[str, list[Row]] = defaultdict(list)
    for check, found in given.faults.items():
        for injection in found:
            by_fault[injection.fault].append(Row(check, injection.fault, injection.words))
    with _tidy(), operated_host() as operated, operated.observer(given.files) as observer:
        first = _wait(observer, given.faults, _RECOVERY_SECONDS, lambda seen: all(map(_is_well, seen.values())))
        never = frozenset(name for name, look in first.items() if not _is_well(look))
        rows = [row for fault, concerned in by_fault.items() for row in _under(operated, observer, concerned, never)]
        hour = observer.ask(json.dumps({"rounds": rounds, "names": [*given.faults, *given.unlimited]}))
    red = tuple(Red(look["name"], look["state"], look["sentence"], look["true"]) for look in hour["red"])
    busy = tuple((row.check, f"this machine was too busy to see {row.fault}") for row in rows if row.was_busy)
    counted = tuple(row for row in rows if not row.was_busy)
    return Measured(counted, hour["looks"], red, (*given.unmet, *busy), given.unlimited, given.rules)


@contextmanager
def _tidy() -> Iterator[None]:
    """Ends like any program that is asked to end (SIGTERM), but for the host: that is taken down first."""

    def end(number: int, frame: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_well(look: dict[str, Any]) -> bool:
    return bool(look["state"] == "ok")


def _is_busy(*looks: dict[str, Any]) -> bool:
    return any(not _is_well(look) and look["true"] for look in looks)


def _under(operated: OperatedHost, observer: Lines, rows: Sequence[Row], never: frozenset[str]) -> list[Row]:
    """The rows of one fault, measured. Checks that were ``never`` well are not waited for."""
    names, fault = sorted({row.check for row in rows}), rows[0].fault

    def is_well(seen: dict[str, Any]) -> bool:
        return all(_is_well(look) for name, look in seen.items() if name not in never)

    before = _wait(observer, names, _RECOVERY_SECONDS, is_well)
    operated.break_(fault)

    def filled(seen: dict[str, Any]) -> list[Row]:
        return [replace(row, state=seen[row.check]["state"], sentence=seen[row.check]["sentence"]) for row in rows]

    broken = filled(_wait(observer, names, _PATIENCE_SECONDS, lambda seen: all(row.is_red for row in filled(seen))))
    operated.repair(fault)
    after = _wait(observer, names, _RECOVERY_SECONDS, is_well)
    return [
        replace(row, well=(_is_well(before[row.check]), _is_well(after[row.check])), was_busy=_is_busy(before[row.check], after[row.check]))
        for row in broken
    ]


def _wait(observer: Lines, names: Iterable[str], seconds: float, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Looks at the checks until it is so, or the time is over; what was seen last."""
    end = time.monotonic() + seconds
    while True:
        seen: dict[str, Any] = observer.ask(json.dumps({"names": list(names)}))
        if done(seen) or time.monotonic() > end:
            return seen
        time.sleep(0.2)


def rows() -> tuple[Row, ...]:
    """Every check under every fault that it is about, measured without the healthy hour."""
    return measure(rounds=1).rows


def figures() -> list[Figure]:
    """The two figures, as bench.importing prints them, and beside them what was not counted. Nothing where this machine cannot measure."""
    try:
        measured = measure()
    except pytest.skip.Exception as reason:
        print(f"red when broken: not measured: {reason}", file=sys.stderr)
        return []
    right = sum(row.is_right for row in measured.rows)
    return [
        Figure(f"red with the right sentence ({right} of {len(measured.rows)})", measured.right, 95),
        Figure(f"red over a healthy hour ({len(measured.wrong)} of {measured.looks} looks)", measured.false_alarms, 1, most=True),
        Figure("checks that nothing here can answer", len(measured.unmet), unit="checks"),
        Figure("checks that count without a limit", len(measured.unlimited), unit="checks"),
        Figure("rules that wait for samples", len(measured.rules), unit="rules"),
    ]


def show(measured: Measured, every: bool) -> None:
    """Prints the table (its misses only, where not every row is asked for), what was not counted, and the figures."""
    print(f"{'check':<50} {'fault':<36} {'state':<7} {'right':<5} sentence")
    for row in measured.rows:
        if every or not row.is_right:
            aside = "" if all(row.well) else f" (well before: {row.well[0]}, after: {row.well[1]})"
            print(f"{row.check:<50} {row.fault:<36} {row.state:<7} {'yes' if row.is_right else 'NO':<5} {row.sentence[:160]}{aside}")
    seen = defaultdict(list)
    for red in measured.red:
        seen[red.check].append(f"{red.state}: {red.sentence}{' (and so it was)' if red.is_true else ''}")
    print("\nNot ok in the healthy hour:" if seen else "\nEverything was ok in the healthy hour.")
    for check, sentences in seen.items():
        print(f"  {check} ({len(sentences)} times): {sentences[0][:200]}")
    print("\nNot counted:")
    for check, reason in measured.unmet:
        print(f"  {check}: {reason}")
    for check in measured.unlimited:
        print(f"  {check}: it counts, and the manual gives no limit")
    for rule in measured.rules:
        print(f"  {rule}: waits for samples")
    right = f"{sum(row.is_right for row in measured.rows)} of {len(measured.rows)}; wanted: at least 95 %"
    wrong = f"{len(measured.wrong)} of {measured.looks} looks; wanted: at most 1 %"
    print(f"\nred with the right sentence   {measured.right:6.1f} % ({right})")
    print(f"red over a healthy hour       {measured.false_alarms:6.2f} % ({wrong})")
    unmet, unlimited, rules = map(len, (measured.unmet, measured.unlimited, measured.rules))
    print(f"not counted: {unmet} checks that nothing here can answer, {unlimited} without a limit, {rules} rules")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 where a figure is not as wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench.red_when_broken", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the healthy hour; 120 is a whole one")
    parser.add_argument("--all", action="store_true", help="print every row, not the misses alone")
    chosen = parser.parse_args(arguments)
    try:
        measured = measure(chosen.rounds)
    except pytest.skip.Exception as reason:
        print(f"not measured: {reason}", file=sys.stderr)
        return 0
    show(measured, chosen.all)
    return 0 if measured.right >= 95 and measured.false_alarms <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
