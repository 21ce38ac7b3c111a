"""The living manual, as far as it is pure: the author's text as blocks, evidence by place, and the coverage."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from keepwell.rooms.manual.living.decide import coverage_of, evidence_of, items_of, kept_of, person_place, shown_lines
from keepwell.rooms.manual.living.model import Kept, Manual, Ran
from keepwell.rooms.manual.living.page import html
from keepwell.rooms.manual.living.render import blocks
from keepwell.rooms.manual.living.shown import as_json, page_of

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
WELL = Ran(NOW - timedelta(minutes=5), "ok", "GET /health answered 200", "/checks/health")
BADLY = Ran(NOW, "fail", "exit status 1", "/runs/7")

TEXT = """\
# Shop

Some *prose* with <script>alert(1)</script>, a [link](https://example.org/x) and [another](javascript:alert(2)).

```bash
curl http://localhost/health
rm -rf / <b>
```

- [ ] look at it
- [x] done

| a | b |
|---|---|
| 1 | 2 |
""".splitlines()


def kept(line: int, place: str = "", disposition: str = "carried", fate: str = "check", kind: str = "command") -> Kept:
    return Kept(line, line, kind, fate, disposition, tuple(place.split(", ")) if place else ())


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("checks.health", WELL),
        ("checks.health.expect", WELL),
        ("checks.healthy", None),
        ("runbooks/weekly.md#rotate", BADLY),
        ("runbooks/weekly.md#other", None),
        ("checks", None),
    ],
)
def test_evidence_is_that_of_the_place_or_of_the_whole_it_is_part_of(place: str, found: Ran | None) -> None:
    evidence = {"checks.health": WELL, "runbooks/weekly.md#rotate": BADLY, "runbooks/weekly.md": WELL}
    assert evidence_of(place, evidence) is found


@pytest.mark.parametrize(
    ("place", "page"),
    [
        ("checks.health.expect", "/checks/health"),
        ("tasks.clean-up", "/tasks/clean-up"),
        ("runbooks/weekly.md#rotate", "/runbooks/weekly"),
        ("runbooks/weekly.md", "/runbooks/weekly"),
        ("objectives.service", ""),
        ("", ""),
    ],
)
def test_what_never_ran_has_its_page_too(place: str, page: str) -> None:
    assert page_of(place) == page


@pytest.mark.parametrize(("place", "fate"), [("windows.night", "window"), ("contacts.ada", "contact")])
def test_what_others_refer_to_never_runs_and_waits_for_nothing(place: str, fate: str) -> None:
    (item,) = items_of([kept(3, place, fate=fate, kind="list item")], {})
    assert item.standing == "told"


def test_the_text_behind_a_deep_list_is_shown_too() -> None:
    lines = [*("  " * depth + f"- level {depth}" for depth in range(40)), "", "The end of it"]
    whole = "".join(block.html for block in blocks(lines))
    assert "level 39" in whole
    assert "The end of it" in whole


def test_what_an_item_became_by_itself_counts_before_the_runbook_around_it() -> None:
    one = kept(3, "runbooks/weekly.md#rotate, checks.health.expect")
    (item,) = items_of([one], {"checks.health": WELL, "runbooks/weekly.md#rotate": BADLY})
    assert (item.place, item.ran) == ("checks.health.expect", WELL)


def test_a_line_of_a_checklist_is_a_step_by_its_words() -> None:
    item = {"line": 1, "end_line": 1, "kind": "checkbox", "text": "Look at it", "fate": "checklist", "disposition": "human"}
    report = {"items": [{**item, "place": "runbooks/day.md", "reason": "", "amendments": [], "missing": []}]}
    (one,) = kept_of(report)
    assert one.places == ("runbooks/day.md#Look at it",)
    assert items_of([one], {"runbooks/day.md": WELL})[0].standing == "waits"
    assert items_of([one], {"runbooks/day.md#Look at it": WELL})[0].standing == "ran"


def test_what_is_left_to_a_person_is_not_done_because_the_steps_beside_it_ran() -> None:
    one = kept(3, "runbooks/day.md", "human", "checklist", "list item")
    assert items_of([one], {"runbooks/day.md": WELL, "runbooks/day.md#look": WELL})[0].standing == "waits"
    assert items_of([one], {"runbooks/day.md": WELL, person_place("runbooks/day.md"): WELL})[0].standing == "ran"


def test_what_a_script_leaves_to_a_person_is_not_done_because_it_ran() -> None:
    evidence = {"runbooks/day.md#monitor": WELL}
    step = "runbooks/day.md#monitor"
    kinds = (("carried", "command"), ("human", "comment"), ("human", "command"))
    items = items_of([kept(line, step, disposition, kind=kind) for line, (disposition, kind) in enumerate(kinds, 1)], evidence)
    assert [item.standing for item in items] == ["ran", "waits", "ran"]
    (ticked,) = items_of([kept(1, step, "human", kind="comment")], {step: WELL, person_place(step): WELL})
    assert ticked.standing == "ran"


def test_coverage_leaves_out_what_only_tells_and_what_is_refused() -> None:
    items = items_of(
        [
            kept(1, fate="narrative", kind="heading"),
            kept(2, "checks.health"),
            kept(3, "runbooks/a.md#b"),
            kept(4, "runbooks/a.md#c"),
            kept(5, "tasks.t", "missing"),
            kept(6, "runbooks/a.md#d", "refused"),
            kept(7, "runbooks/a.md#b", kind="fence"),
        ],
        {"checks.health": WELL, "runbooks/a.md#b": BADLY},
    )
    coverage = coverage_of(items)
    assert [item.standing for item in items] == ["told", "ran", "ran", "waits", "missing", "refused", "told"]
    assert (coverage.ran, coverage.bad, coverage.wanted, coverage.share) == (2, 1, 4, 0.5)


def test_nothing_to_run_has_no_coverage() -> None:
    assert coverage_of(items_of([kept(1, fate="narrative")], {})).share is None


def test_the_text_is_shown_as_it_is_and_runs_nothing() -> None:
    found = blocks(TEXT)
    assert [(block.line, block.end_line, block.is_code) for block in found][:3] == [(1, 1, False), (3, 3, False), (5, 8, True)]
    whole = "".join(block.html for block in found)
    assert "<script>" not in whole
    assert 'href="javascript' not in whole
    assert '<a href="https://example.org/x">link</a>' in whole
    assert "<em>prose</em>" in whole
    assert "rm -rf / &lt;b&gt;" in whole
    assert whole.count('class="box"') == 2
    assert "<td>2</td>" in whole
    assert '<span class="code-line" id="line-6">' in whole


def test_what_reorders_text_is_seen() -> None:
    (block,) = blocks(["`rm \u202etxt.exe`\x1b[2J \N{MAN}\u200d\N{PERSONAL COMPUTER}"])
    assert "\u202e" not in block.html
    assert "\x1b" not in block.html
    assert "\u200d" in block.html


def test_no_word_of_the_text_is_lost() -> None:
    shown = unescape(re.sub(r"<[^>]*>", " ", "".join(block.html for block in blocks(TEXT))))
    for word in re.findall(r"[a-z]{3,}", " ".join(TEXT)):
        assert word in shown or word in ("bash", "https", "example", "org", "javascript", "alert"), word


def test_the_file_holds_the_evidence_and_loads_nothing() -> None:
    items = items_of([kept(6, "checks.health"), kept(7, "runbooks/a.md#b", "refused")], {"checks.health": WELL})
    manual = Manual("shop.md", "shop", TEXT, items, coverage_of(items), NOW)
    page = html(manual)
    assert "5 min ago" in page
    assert "GET /health answered 200" in page
    assert "100 %" in page
    assert "<script" not in page
    assert not re.search(r"\ssrc=", page)
    assert as_json(manual)["coverage"]["refused"] == 1


def test_what_could_not_be_made_did_not_run() -> None:
    unknown = Ran(NOW, "unknown", "waiting for acceptance: nobody accepted it yet")
    (item,) = items_of([kept(3, "checks.health")], {"checks.health": unknown})
    assert (item.standing, item.ran) == ("waits", unknown)
    assert coverage_of([item]).ran == 0


def test_a_long_line_is_shown_as_it_is_written() -> None:
    written = "x" * 30_000 + ' <b> "y" &'
    for text in (["```", written, "```"], [written]):
        (block,) = blocks(text)
        assert written in unescape(block.html)


def test_secrets_in_the_text_are_not_shown_and_no_line_moves() -> None:
    key = "MadeUp/made+up0made/made=="
    text = [
        "Log in with password: made-up-1",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        key,
        key,
        "-----END OPENSSH PRIVATE KEY-----",
        'curl -H "Authorization: Bearer $API_TOKEN" http://h/',
        "-----BEGIN PRIVATE KEY-----",
        "is how a key begins",
    ]
    shown = shown_lines(text)
    assert [number for number, (line, before) in enumerate(zip(shown, text, strict=True)) if line != before] == [0, 2, 3]
    assert not any("made" in line for line in shown)


def test_front_matter_is_no_heading() -> None:
    lines = ["---", "title: Shop", "owner: ops", "---", "", "# Operations"]
    front, heading = blocks(lines, 4)
    assert (front.line, front.end_line, front.is_code, front.level) == (1, 4, True, 0)
    assert 'id="line-2"><i>2</i>title: Shop' in front.html
    assert (heading.line, heading.html) == (6, "<h1>Operations</h1>\n")
