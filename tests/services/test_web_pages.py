"""Pages as they are served: hostile text stays text, files are kept by browsers, and large lists are quick."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.ports.offer import Face, Page
from keepwell.web.environment import runs, visible
from tests.services.web_face import FakeRoom, RealClock, Reply, Running, Site, change, check, request, send

HOSTILE = "<script>alert(1)</script>\" onmouseover='x' & {{ 7 * 7 }} \x1b[31mred\x07 \u202etxt.exe\u2066 \ud800 end"


async def page(running: Running, path: str = "/", **headers: str) -> Reply:
    return await send(running, request("GET", path, running, **headers))


class Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_room() -> FakeRoom:
    hostile = check("api", sentence=HOSTILE, kind=HOSTILE, target=HOSTILE, every=HOSTILE, values=[(HOSTILE, HOSTILE)], since_words=HOSTILE)
    return FakeRoom([hostile | {"name": HOSTILE}], [change(HOSTILE, "ok", "fail", HOSTILE)])


async def test_hostile_text_stays_text() -> None:
    async with Running(hostile_room()) as running:
        reply = await page(running)
    assert reply.status == 200
    html = reply.body.decode()
    read = Reader(html)
    assert read.open == []
    assert read.text.count("<script>alert(1)</script>") >= 8
    assert "{{ 7 * 7 }}" in read.text
    assert [
        attributes for tag, attributes in read.tags if tag == "script" and not (attributes.get("src") or "").startswith("/static/")
    ] == []
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on") or name == "style"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    assert "\u241b[31mred\u2407" in read.text, "a terminal's escape is shown as a sign"


async def test_everything_on_a_page_comes_from_here() -> None:
    async with Running(FakeRoom([check("api")])) as running:
        html = (await page(running)).body.decode()
        addresses = [attributes.get("src") or attributes.get("href") or "" for _, attributes in Reader(html).tags]
        files = [address for address in addresses if address.startswith("/static/")]
        assert all(address[0] in "/#" for address in addresses if address)
        assert len(files) == 5
        for address in files:
            reply = await page(running, address)
            assert reply.status == 200
            assert "immutable" in reply.headers["cache-control"]
            again = await page(running, address, if_none_match=reply.headers["etag"])
            assert (again.status, again.body) == (304, b"")
            css = reply.body.decode()
            assert "@import" not in css
            assert not re.search(r"url\(\s*['\"]?https?:", css)
        assert (await page(running, "/static/0000000000000000/keepwell.css")).status == 404
        assert (await page(running, "/static/../keepwell.css")).status == 404
        assert (await page(running, files[0].rsplit("/", 1)[0] + "/..%2f..%2fpages.py")).status == 404


async def test_a_page_is_never_kept_and_says_where_it_is() -> None:
    async with Running(FakeRoom([check("api", "fail"), check("db")], [change("api", "ok", "fail")])) as running:
        reply = await page(running)
    assert reply.headers["cache-control"] == "no-store"
    read = Reader(reply.body.decode())
    assert "1 failing" in read.text
    assert "audio <deck>" in read.text
    assert ("a", {"href": "/", "aria-current": "page"}) in read.tags
    assert [attributes["sse-connect"] for tag, attributes in read.tags if tag == "body"] == ["/live"]
    rows = [attributes["data-state"] for tag, attributes in read.tags if tag == "tr" and "data-state" in attributes]
    assert rows == ["fail", "ok"]
    assert len([1 for tag, attributes in read.tags if tag == "th" and attributes.get("scope") == "col"]) == 6


async def test_a_state_is_a_word_and_not_a_colour_alone() -> None:
    async with Running(FakeRoom([check("a", "unknown", accepted=False, history=["unknown", "ok", "ok"])])) as running:
        read = Reader((await page(running)).body.decode())
    assert "waiting for acceptance" in read.text
    assert "unknown" in read.text
    strips = [attributes["aria-label"] for tag, attributes in read.tags if tag == "svg" and "aria-label" in attributes]
    assert strips == ["Last 3 looks: 2 ok, 1 unknown"]


async def test_without_checks_the_page_says_what_to_do() -> None:
    async with Running(FakeRoom([])) as running:
        text = Reader((await page(running)).body.decode()).text
    assert "There are no checks yet" in text
    assert "keepwell.yaml" in text


async def test_a_page_reads_parameters_as_a_route_does() -> None:
    async def context(word: str = "nothing", times: int = 1) -> Mapping[str, Any]:
        return {"error": {"message": word * times, "hint": "", "problems": [], "code": ""}, "status": 1}

    room = FakeRoom([])
    face = Face("more", pages=(Page("/more", "More", "more:read", "error.html", context),))
    room.face = lambda: face  # type: ignore[method-assign]
    async with Running(room) as running:
        assert "abab" in (await page(running, "/more?word=ab&times=2")).body.decode()
        assert (await page(running, "/more?times=x")).status == 422


def test_a_thousand_checks_are_rendered() -> None:
    states = ["ok"] * 20 + ["fail", "warn", "ok", "unknown"] + ["ok"] * 6
    checks = [check(f"check-{number}", "ok" if number % 9 else "fail", history=states) for number in range(1000)]
    room = FakeRoom(checks, [change("a", "ok", "fail")] * 20)
    site = Site([room.face()], "s", RealClock())
    context = {"counts": room.counts(), "checks": checks, "changes": room.changes}
    frame = {
        "service": "s",
        "version": "1",
        "now": "2026-11-20T12:00:00+00:00",
        "page_title": "Checks",
        "navigation": [],
        "stream": "/live",
    }
    template = site._environment.get_template("checks/checks.html")
    template.render({**frame, **context})
    html = template.render({**frame, **context})
    assert html.count("<tr id=") == 1000
    assert len(html) < 2_000_000


@given(st.lists(st.sampled_from(["ok", "warn", "fail", "unknown"])))
def test_runs_hold_every_cell(states: list[str]) -> None:
    found = runs(states)
    assert [state for state, _, length in found for _ in range(length)] == states
    assert [start for _, start, _ in found] == [sum(length for _, _, length in found[:number]) for number in range(len(found))]


@pytest.mark.parametrize(
    ("text", "shown"), [("a\tb\nc", "a\tb\nc"), ("\x00\x1b\x7f", "␀␛␡"), ("\u202ea\x9b", "\ufffda\ufffd"), (3, 3), (None, None)]
)
def test_what_cannot_be_seen_is_made_visible(text: object, shown: object) -> None:
    assert visible(text) == shown
