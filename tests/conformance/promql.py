"""Runs Prometheus' PromQL test scripts: ``python -m tests.conformance.promql [-v] FILE...``.

A line per file and, last, the sum: passed, failed, and skipped by construct. Skipped is only what scope.py refuses, and evaluations that
meet native histograms or start times of counters. Each instant evaluation is asked again as the middle of a range, as Prometheus' own
runner does. Exit code 1 on failures.
"""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.promql.model import InstantVector, Limits, OutsideScope, Result
from keepwell.rooms.promql.work import query_instant, query_range
from tests.conformance.promql_judging import at_moment, message_fits, remarks_fit, value_fits
from tests.conformance.promql_script import Clear, Evaluation, Load, Native, ScriptError, commands
from tests.conformance.promql_store import MemoryStore, base_of_histogram

MINUTE = 60_000


@dataclass(slots=True)
class Tally:
    """What became of a file's evaluations. ``failures`` are told one by one."""

    passed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        by_construct = ", ".join(f"{count} {name}" for name, count in sorted(self.skipped.items()))
        return f"{self.passed} passed, {len(self.failures)} failed, {self.skipped.total()} skipped" + (
            f" ({by_construct})" if by_construct else ""
        )


async def run(path: Path) -> Tally:
    """Runs one script against a store of its own."""
    return await run_text(path, path.read_bytes().decode("utf-8"))  # noqa: ASYNC240 (nothing else runs here)


async def run_text(path: Path, text: str) -> Tally:
    """Runs a script's text; ``path`` is named where it fails."""
    tally, store = Tally(), MemoryStore()
    try:
        for command in commands(text):
            match command:
                case Clear():
                    store.clear()
                case Load():
                    _loaded(command, store)
                case Evaluation():
                    await _evaluated(command, store, tally, path)
    except ScriptError as error:
        tally.failures.append(f"{path}: {error}")
    return tally


def _loaded(load: Load, store: MemoryStore) -> None:
    for line in load.lines:
        kept = store.series(line.labels)
        kept.started |= load.with_starts
        base = base_of_histogram(line.labels) if load.with_histograms else None
        for number, item in enumerate(line.items):
            if isinstance(item, Native):
                kept.histograms.add(number * load.step)
            elif item is not None:
                kept.numbers[number * load.step] = item
                if base is not None:
                    store.series(base).histograms.add(number * load.step)


async def _evaluated(evaluation: Evaluation, store: MemoryStore, tally: Tally, path: Path) -> None:
    store.met.clear()
    try:
        wrong = await _judged(evaluation, store)
    except OutsideScope as error:
        tally.skipped[error.construct] += 1
        return
    except Exception as error:
        wrong = f"the evaluation broke: {error!r}"
    if store.met:
        tally.skipped[min(store.met)] += 1
    elif wrong is None:
        tally.passed += 1
    else:
        expected = "; ".join(f"{line.labels} {list(line.items)[:8]}" for line in evaluation.series) or str(evaluation.scalar)
        tally.failures.append(f"{path}:{evaluation.line}: {evaluation.text}\n  expected: {expected}\n  {wrong}")


async def _judged(evaluation: Evaluation, store: MemoryStore) -> str | None:
    """What is wrong with the evaluation; None where nothing is."""
    fails = evaluation.expecting("fail")
    try:
        result = await _asked(evaluation, store)
    except OutsideScope:
        raise
    except KeepwellError as error:
        if not fails:
            return f"unexpected error: {error}"
        wrong = [one for one in fails if not message_fits(one, str(error))]
        return f"expected the error {wrong[0].text!r}, got {str(error)!r}" if wrong else None
    if fails:
        return f"expected an error, got {result.value}"
    return remarks_fit(evaluation, result) or value_fits(evaluation, result.value) or await _in_a_range(evaluation, result, store)


async def _asked(evaluation: Evaluation, store: MemoryStore) -> Result:
    if evaluation.step is None:
        return await query_instant(evaluation.text, evaluation.start, store, Limits())
    return await query_range(evaluation.text, evaluation.start, evaluation.end, evaluation.step, store, Limits())


async def _in_a_range(evaluation: Evaluation, result: Result, store: MemoryStore) -> str | None:
    if evaluation.step is not None or evaluation.string is not None or evaluation.grid is not None:
        return None
    if re.search(r"\b(start|end)\(\)", evaluation.text):
        return None
    at, met = evaluation.start, set(store.met)
    ranged = await query_range(evaluation.text, at - MINUTE, at + MINUTE, MINUTE, store, Limits())
    store.met = met
    value = at_moment(ranged.value, at, result.value)
    if isinstance(value, InstantVector) and evaluation.expecting("ordered"):
        return None
    wrong = value_fits(evaluation, value)
    return None if wrong is None else f"as the middle of a range: {wrong}"


async def run_all(paths: Sequence[Path], *, verbose: bool) -> int:
    """Runs the files and prints what became of them; 1 where anything failed."""
    total = Tally()
    for path in paths:
        try:
            tally = await run(path)
        except (OSError, UnicodeDecodeError) as error:
            tally = Tally(failures=[f"{path}: cannot be read: {error}"])
        print(f"{path.name}: {tally}")
        if verbose:
            print(*tally.failures, sep="\n", end="\n" if tally.failures else "")
        total.passed += tally.passed
        total.skipped += tally.skipped
        total.failures += tally.failures
    print(f"{total.passed} passed, {len(total.failures)} failed, {total.skipped.total()} skipped")
    return 1 if total.failures else 0


def main(arguments: Sequence[str]) -> int:
    """The command. ``-v`` tells each failure with what was expected and what came."""
    paths = [Path(argument) for argument in arguments if argument != "-v"]
    if not paths:
        print("usage: python -m tests.conformance.promql [-v] FILE...", file=sys.stderr)
        return 2
    return asyncio.run(run_all(paths, verbose="-v" in arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
