"""Which items of a manual ran, and how much of it is covered. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keepwell.kernel.redaction import REDACTED
from keepwell.rooms.manual.lint.redact import without_secrets

from .model import Coverage, Evidence, Item, Kept, Ran, Standing

_TELLS = frozenset(("narrative", "configuration example", "template", "unrecognised", "contact", "window"))
_OWN = ("checks.", "rules.", "tasks.", "backups.", "logs.", "objectives.", "incidents.", "audits.", "reports.")
_LOOKED_UP = ("windows.", "contacts.")
"""What others refer to: it never runs itself."""

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[ \t]*$")
_KEY_GOES_ON = re.compile(r"[ \t]*[A-Za-z0-9+/=]{8,}[ \t]*$")


def shown_lines(lines: Sequence[str]) -> list[str]:
    """The author's lines without the secrets that somebody wrote into them: the page is read, and its export is sent around. Each line
    stays where it is, those of a private key (RFC 7468) too."""
    shown: list[str] = []
    in_key = False
    for line in lines:
        in_key = in_key and _KEY_GOES_ON.match(line) is not None
        shown.append(REDACTED if in_key else without_secrets(line) if not _KEY_BEGINS.search(line) else line)
        in_key = in_key or _KEY_BEGINS.search(line) is not None
    return shown


def kept_of(report: Mapping[str, Any]) -> list[Kept]:
    """The items of ``import-report.json``. Raises KeyError or TypeError for anything else."""
    alike: Counter[str] = Counter()
    return [
        Kept(
            item["line"],
            item["end_line"],
            item["kind"],
            item["fate"],
            item["disposition"],
            _places(item, alike),
            item["reason"] or next((part["reason"] for part in item["amendments"]), ""),
            tuple(item["missing"]),
        )
        for item in report["items"]
    ]


def _places(item: Mapping[str, Any], alike: Counter[str]) -> tuple[str, ...]:
    """Where it stands. A line of a checklist is a step of its runbook, by its words: that the round was made does not say that it was.
    ``alike`` counts the lines of one runbook that say the same."""
    places = tuple(place for place in item["place"].split(", ") if place)
    if item["kind"] != "checkbox":
        return places
    return tuple(step_place(place, item["text"], alike) if place.endswith(".md") else place for place in places)


def step_place(runbook: str, title: str, alike: Counter[str]) -> str:
    """The place of a step that is known by its words; of the second that says the same in its runbook another than of the first."""
    place = f"{runbook}#{title}"
    alike[place] += 1
    return place if alike[place] == 1 else f"{place}#{alike[place]}"


def items_of(kept: Iterable[Kept], evidence: Evidence) -> list[Item]:
    """Each item with the newest that ran of what it became."""
    return [_item(one, evidence) for one in kept]


def _item(one: Kept, evidence: Evidence) -> Item:
    if one.disposition == "refused":
        return Item(one, "refused")
    if not _runs(one):
        return Item(one, "missing" if one.disposition == "missing" else "told")
    place, ran = _found(one, evidence)
    known = ran is not None and ran.result != "unknown"  # what could not be asked, or waits for acceptance, did not run
    standing: Standing = "ran" if known else "missing" if one.disposition == "missing" else "waits"
    return Item(one, standing, ran, place)


def _runs(one: Kept) -> bool:
    """Whether something is to run, or a person is to do something. A fence is its commands, a heading what stands below it."""
    if one.kind == "fence" or (one.kind == "heading" and not one.places):
        return False
    return any(not place.startswith(_LOOKED_UP) for place in one.places) or one.fate not in _TELLS


def person_place(place: str) -> str:
    """Where stands that a person did a step, or (the place of a runbook) the runbook as a whole."""
    return f"{place}#"


def _found(one: Kept, evidence: Evidence) -> tuple[str, Ran | None]:
    """The evidence of the first place that has some: what an item became by itself counts before the runbook that it also stands in. What
    is left to a person counts where a person did it: that a script, or the steps beside it, ran does not say so."""
    ordered = sorted(one.places, key=lambda place: not place.startswith(_OWN))
    for place in ordered:
        by_a_person = one.disposition == "human" and (one.kind == "comment" or place.endswith(".md"))
        ran = evidence_of(person_place(place) if by_a_person else place, evidence)
        if ran is not None:
            return place, ran
    return ordered[0] if ordered else "", None


def evidence_of(place: str, evidence: Evidence) -> Ran | None:
    """That of a place; of a part (``checks.health.expect``) that of the whole. A runbook's step has its own and no other: that the runbook
    ran says nothing of a step that was left out."""
    if place.startswith("runbooks/"):
        return evidence.get(place)
    parts = place.split(".")
    return next((evidence[".".join(parts[:end])] for end in range(len(parts), 1, -1) if ".".join(parts[:end]) in evidence), None)


def coverage_of(items: Iterable[Item]) -> Coverage:
    """How much of the manual is covered."""
    counted: Counter[str] = Counter()
    for item in items:
        counted[item.standing] += 1
        counted["bad"] += item.ran is not None and item.ran.result == "fail"
    return Coverage(counted["ran"], counted["waits"], counted["missing"], counted["refused"], counted["told"], counted["bad"])
