"""What is no command, by small manuals: each ``import/prose/x.md`` beside ``x.yaml``, which says what some of its lines become."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.kernel.cadences import parse_cadence
from keepwell.kernel.comparisons import parse_comparison
from keepwell.kernel.durations import parse_duration
from keepwell.rooms.manual.importing.capabilities import CAPABILITIES
from keepwell.rooms.manual.importing.model import Disposition, Draft, EntryDraft, Found, LimitDraft, TaskDraft, View
from keepwell.rooms.manual.importing.outcomes import Recognisers
from keepwell.rooms.manual.importing.registry import all_recognisers
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.samples.objectives.options import ObjectiveOptions, WindowOptions

CASES = sorted((Path(__file__).parent / "import" / "prose").glob("*.md"))
OURS = {
    "alert conditions", "checkboxes", "comments", "configuration", "contacts", "contents of backups", "expected answers", "explanations",
    "fences", "figures to watch", "forms", "headings with a cadence", "key figures", "maintenance windows", "objectives", "schedules",
    "retention", "severities", "things to do", "what to look for in logs",
}  # fmt: skip


def found_in(text: bytes, name: str) -> list[tuple[View, Found]]:
    recognisers = Recognisers(all_recognisers())
    return [(view, recognisers.find(view)) for view in views(read_manual(text, name))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_each_line_becomes_what_is_expected(case: Path) -> None:
    outcomes = found_in(case.read_bytes(), case.name)
    wrong = []
    for wanted in yaml.safe_load(case.with_suffix(".yaml").read_text()):
        view, found = at(outcomes, wanted["line"], wanted.get("kind", ""))
        seen = shown(found)
        wrong += [
            f"{case.name}:{wanted['line']} {view.item.text[:60]!r}: {key} is {seen[key]}, not {value}"
            for key, value in wanted.items()
            if key not in ("line", "kind") and not fits(value, seen[key])
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_is_found_can_be_written(case: Path) -> None:
    for view, found in found_in(case.read_bytes(), case.name):
        assert 1 <= len(found.capabilities) <= 2, view.item
        assert set(found.capabilities) <= CAPABILITIES, view.item
        assert (found.disposition is Disposition.MISSING) == bool(found.missing), view.item
        for draft in found.drafts:
            refuse_unreadable(draft)


def refuse_unreadable(draft: Draft) -> None:
    """Fails where a draft holds a limit, duration, cadence or window that the configuration could not read."""
    match draft:
        case LimitDraft():
            assert all(parse_comparison(limit) for limit in (draft.warn, draft.fail) if limit)
            assert not draft.over or parse_duration(draft.over)
            assert draft.words.strip()
            assert "\n" not in draft.words
        case TaskDraft():
            assert parse_cadence(draft.every, "UTC")
            assert draft.title.strip()
            assert not draft.settings.get("expected_duration") or parse_duration(draft.settings["expected_duration"])
        case EntryDraft(section="windows"):
            assert WindowOptions.model_validate_json(json.dumps(draft.value)).window
        case EntryDraft(section="objectives"):
            assert ObjectiveOptions.model_validate_json(json.dumps(draft.value))
        case EntryDraft(section="incidents.severities"):
            times = [draft.value[key] for key in ("respond", "update", "resolve") if key in draft.value]
            assert all(parse_duration(duration) is not None for duration in times)


@pytest.mark.parametrize("recogniser", [one for one in all_recognisers() if one.name in OURS], ids=lambda one: one.name)
def test_the_example_of_each_is_known_by_it(recogniser: Any) -> None:
    known = [view for view in views(read_manual(recogniser.example.encode(), "example")) if view.item.kind in recogniser.kinds]
    assert any(recogniser.read(view) is not None for view in known)


def test_all_of_them_are_there() -> None:
    assert not OURS - {one.name for one in all_recognisers()}


def at(outcomes: list[tuple[View, Found]], line: int, kind: str) -> tuple[View, Found]:
    """The item that begins on the line: of that kind, else no fence."""
    on = [(view, found) for view, found in outcomes if view.item.line == line]
    return next(pair for pair in on if (pair[0].item.kind.value == kind if kind else pair[0].item.kind is not Kind.FENCE))


def shown(found: Found) -> dict[str, Any]:
    return {
        "fate": found.fate.value,
        "disposition": found.disposition.value,
        "capabilities": list(found.capabilities),
        "missing": [missing.name for missing in found.missing],
        "drafts": [asdict(draft) for draft in found.drafts],
    }


def fits(wanted: Any, seen: Any) -> bool:
    """Whether it is the same: of drafts and capabilities, as much as is wanted of each, in their order."""
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return all(key in seen and (seen[key] == value if key == "value" else fits(value, seen[key])) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(seen, list) and wanted and isinstance(wanted[0], dict):
        return len(wanted) == len(seen) and all(fits(one, other) for one, other in zip(wanted, seen, strict=True))
    if isinstance(wanted, list) and isinstance(seen, list) and wanted:
        return seen[: len(wanted)] == wanted
    return wanted == seen or (isinstance(seen, tuple) and list(seen) == wanted)
