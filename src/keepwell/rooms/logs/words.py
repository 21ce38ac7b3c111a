"""What came of work on logs, in one sentence with its figures. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from keepwell.kernel.sizes import format_size
from keepwell.ports.work import Outcome, Performed

from .model import Policy, Tally

_VARYING = re.compile(r"\([0-9]+\)|[0-9]+(?:[-.:/,#T ][0-9]+)+|[0-9]{5,}")
"""What differs from time to time where the same is said: processes, times, long numbers."""


def reason(sentence: str) -> str:
    """Why something failed, without what differs each time."""
    return _VARYING.sub("#", sentence)


def rotated(policy: Policy, files: Sequence[object], tally: Tally) -> Performed:
    """Of a rotation; ``files`` are those that were meant."""
    facts = {"files": len(files), "bytes": tally.bytes("rotated")} | {word: tally.count(word) for word in ("rotated", "packed", "dropped")}
    if tally.faults:
        return _failed(policy, tally, facts)
    if not files and not tally.steps:
        return Performed(Outcome.DONE, f"nothing to rotate: no file of logs.{policy.name} has any content", _record(policy), facts)
    done = [f"{_files(len(files))} rotated"] if files else ["nothing to rotate"]
    done += [f"{tally.count('packed')} compressed"] if tally.count("packed") else []
    done += [f"{tally.count('dropped')} removed"] if tally.count("dropped") else []
    kept = len({step.path for step in tally.steps if step.did == "kept"})
    later = f"; {kept} {'is' if kept == 1 else 'are'} still written to and compressed later" if kept else ""
    return Performed(Outcome.DONE, ", ".join(done) + later, _record(policy), facts)


def cleaned(policy: Policy, tally: Tally) -> Performed:
    """Of a cleanup."""
    facts = {"deleted": tally.count("deleted"), "bytes": tally.bytes("deleted"), "kept": tally.count("kept")}
    if tally.faults:
        return _failed(policy, tally, facts)
    kept = f"; {_files(facts['kept'])} still written to stayed" if facts["kept"] else ""
    return Performed(
        Outcome.DONE, f"{_files(facts['deleted'])} deleted, {format_size(facts['bytes'])} in all{kept}", _record(policy), facts
    )


def analysed(policy: Policy, answers: Sequence[Mapping[str, Any]]) -> Performed:
    """Of an analysis."""
    facts = {f"{answer['name']}.{word}": float(value) for answer in answers for word, value in answer["figures"].items()}
    failed = [answer for answer in answers if answer["fault"]]
    sentence = "; ".join(f"{answer['name']}: {answer['fault'] or answer['sentence']}" for answer in (failed or answers))
    return Performed(Outcome.FAILED if failed else Outcome.DONE, sentence[:2000], _record(policy), facts)


def _failed(policy: Policy, tally: Tally, facts: Mapping[str, float]) -> Performed:
    more = f" (and {len(tally.faults) - 1} more)" if len(tally.faults) > 1 else ""
    return Performed(Outcome.REFUSED if tally.refused else Outcome.FAILED, f"{tally.faults[0]}{more}", _record(policy), facts)


def _record(policy: Policy) -> str:
    return f"logs/{policy.name}"


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
