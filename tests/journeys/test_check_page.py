"""The page of one check over the laboratory's day, in a real browser: what its charts show is what the API gives."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.async_api import Browser, expect

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.states import State
from keepwell.kernel.windows import parse_window
from keepwell.ports.samples import NAME
from lab.day import Series, day
from tests.journeys.charting import ZONE, drawn, legend, opened, pixels, times_drawn
from tests.journeys.test_page_checks import CONTRAST, HOSTILE
from tests.services.samples_face import SamplesFace, change_of, http_check
from tests.services.web_face import request, send

LATENCY = "[data-chart][data-unit=seconds]"


def laboratory(folder: Path) -> SamplesFace:
    """The page over the laboratory's day up to now."""
    face = SamplesFace(folder, [http_check("health")], day(datetime.now(UTC)))
    face.checks.changes = [change_of("health", 1, State.FAIL)]
    face.checks.seen = [
        {"at": datetime.now(UTC), "state": "ok", "sentence": "answered 200", "values": {"duration_seconds": 0.003}, "detail": "some output"}
    ]
    return face


async def ask(face: SamplesFace, path: str) -> Any:
    """A JSON answer."""
    reply = await send(face, request("GET", path, face))  # type: ignore[arg-type]
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


async def test_what_is_drawn_is_what_the_api_gives(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face:
        questions: list[str] = []
        async with opened(browser, f"{face.address}/checks/health?over=24h") as page:
            page.on("request", lambda asked: questions.append(asked.url))
            assert await pixels(page, LATENCY, "--s4") > 100, "the line of the whole duration"
            assert await pixels(page, "[data-chart][data-unit=bytes]", "--s1") > 100, "that of the size"
            assert await pixels(page, LATENCY, "--fail-soft") > 500, "failures shade the chart"
            assert await pixels(page, LATENCY, "--warn") > 50, "the limit is a line"
            assert await pixels(page, "[data-band]", "--ok-cell") > 5_000
            assert await pixels(page, "[data-band]", "--fail-cell") > 500
            shown = await legend(page, LATENCY)
            await page.reload()
            await drawn(page)
            asked = next(url for url in questions if "/samples/range?" in url)
            parts = urlsplit(asked)
            answer = await ask(face, f"{parts.path}?{parts.query}")
            assert shown == {name: figures_of(answer, name, Unit.SECONDS) for name in shown}
            assert len(shown) == 4
            assert parse_qs(parts.query)["match"] == ['{check="health"}'], "one question for all charts"
            await tables(page, face)


def figures_of(answer: Mapping[str, Any], name: str, unit: Unit) -> dict[str, str]:
    """What the table is to say of a series."""
    points = {
        one["of"]: [value for _, value in one["points"] if value is not None] for one in answer["series"] if one["labels"][NAME] == name
    }
    mean = float(np.average(points["avg"], weights=points["count"]))
    numbers = {"last": points["last"][-1], "mean": mean, "min": min(points["min"]), "max": max(points["max"])}
    return {what: describe(value, unit) for what, value in numbers.items()}


async def tables(page: Any, face: SamplesFace) -> None:
    """Availability and percentiles are those of the API."""
    up = page.locator("[data-availability] tr[data-over='24h'] [data-up]")
    await expect(up).to_contain_text("%")
    found = await ask(face, "/api/v1/samples/availability?check=health&over=24h")
    assert float((await up.inner_text()).split(" ")[0]) == pytest.approx(found["availability"] * 100, abs=0.02)
    await expect(page.locator("[data-availability] tr[data-over='24h'] [data-down]")).to_contain_text("in 3 outages")
    rows = page.locator("[data-percentiles] tbody tr")
    await expect(rows).to_have_count(4)
    found = await ask(face, "/api/v1/samples/percentiles?check=health&over=24h")
    whole = next(one for one in found["series"] if one["phase"] == "duration")
    await expect(rows.last.locator("[data-what=max]")).to_have_text(describe(whole["max"], Unit.SECONDS))


async def test_maintenance_is_shaded_and_said(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face:
        async with opened(browser, f"{face.address}/checks/health?over=24h") as page:
            await expect(page.locator("[data-availability] tr").last).to_contain_text("none")
            plain = await pixels(page, LATENCY, "--line")
        face.windows["night"] = parse_window("daily 02:00-05:00", "UTC")
        async with opened(browser, f"{face.address}/checks/health?over=24h") as page:
            await expect(page.locator("[data-spells]")).to_contain_text("maintenance")
            await expect(page.locator("[data-availability] tr[data-over='24h'] [data-apart]")).to_have_text("3 h")
            assert await pixels(page, LATENCY, "--line") > plain + 500


async def test_the_time_is_in_the_address_and_in_the_viewers_zone(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/checks/health?over=6h") as page:
        await expect(page.locator("[data-shown-time]")).to_contain_text(f"{ZONE} (UTC+1). A point every")
        await expect(page.locator(".ranges [aria-current]")).to_have_text("6 h")
        await page.get_by_role("link", name="24 h").first.click()
        await drawn(page, 2)
        assert parse_qs(urlsplit(page.url).query)["over"] == ["24h"]
        await page.get_by_role("button", name="Earlier").click()
        await drawn(page, 3)
        asked = {name: float(value[0]) for name, value in parse_qs(urlsplit(page.url).query).items()}
        assert asked["end"] - asked["start"] == 86400
        assert asked["end"] < datetime.now(UTC).timestamp() - 40_000
        shared = page.url
        said = await page.locator("[data-shown-time]").inner_text()
        numbers = await page.locator("a[data-numbers=range]").first.get_attribute("href")
        assert parse_qs(urlsplit(numbers or "").query)["start"] == [f"{asked['start']:.0f}"]
        async with opened(browser, shared) as other:
            await expect(other.locator("[data-shown-time]")).to_have_text(said)
        await page.go_back()
        await expect(page.locator(".ranges [aria-current]")).to_have_text("24 h")
        await page.go_back()
        await expect(page.locator(".ranges [aria-current]")).to_have_text("6 h")


async def test_the_mouse_reads_points_and_draws_a_part(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/checks/health?over=24h") as page:
        over = page.locator(f"{LATENCY} .u-over")
        await over.scroll_into_view_if_needed()
        box = await over.bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 60)
        await expect(page.locator(f"{LATENCY} [data-cursor]").last).to_contain_text("s")
        assert " to " in (await page.locator(f"{LATENCY} figcaption").get_attribute("data-at") or "")
        before = await times_drawn(page)
        await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=5)
        await page.mouse.up()
        await drawn(page, before + 1)
        asked = {name: float(value[0]) for name, value in parse_qs(urlsplit(page.url).query).items()}
        assert asked["end"] - asked["start"] == pytest.approx(21600, rel=0.05)
        assert await page.locator(".ranges [aria-current]").count() == 0


async def test_the_keyboard_does_what_the_mouse_does(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/checks/health?over=24h") as page:
        await page.locator(f"{LATENCY} [data-canvas]").focus()
        await page.keyboard.press("End")
        told = page.locator(f"{LATENCY} p[data-spoken]")
        await expect(told).to_contain_text("duration_seconds")
        newest = await told.inner_text()
        await page.keyboard.press("ArrowLeft")
        await expect(told).not_to_have_text(newest)
        cursor = await page.locator(f"{LATENCY} .legend tbody tr").last.locator("[data-cursor]").inner_text()
        assert cursor
        assert cursor in await told.inner_text()
        await page.keyboard.press("Escape")
        await expect(page.locator(f"{LATENCY} .legend tbody tr").last.locator("[data-cursor]")).to_have_text("")
        button = page.locator(f"{LATENCY} .legend button").last
        await button.focus()
        await page.keyboard.press("Space")
        await expect(button).to_have_attribute("aria-pressed", "false")
        assert await pixels(page, LATENCY, "--s4") == 0
        await page.keyboard.press("Space")
        await expect(button).to_have_attribute("aria-pressed", "true")


async def test_news_are_shown_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/checks/health?over=1h") as page:
        await expect(page.locator("#connection")).to_have_text("Live")
        await page.evaluate("document.querySelector('[data-charts] canvas').dataset.mine = 'yes'")
        face.checks.all["health"] = http_check("health", state=State.FAIL, sentence="refused by 127.0.0.1")
        face.checks.changes.append(change_of("health", 2, State.FAIL, "it fell over"))
        face.checks.seen.insert(0, {"at": datetime.now(UTC), "state": "fail", "sentence": "refused", "values": {}, "detail": ""})
        face.checks.tell("health")
        await expect(page.locator("#live .badge")).to_have_text("fail")
        await expect(page.locator("#live .sentence")).to_have_text("refused by 127.0.0.1")
        await expect(page.locator("#changes")).to_contain_text("it fell over")
        await expect(page.locator("#observations > ol > li")).to_have_count(2)
        assert await page.locator("canvas[data-mine]").count() == 1, "the charts stay as they are"
        await page.locator("summary").click()
        face.checks.seen.insert(0, {"at": datetime.now(UTC), "state": "fail", "sentence": "again", "values": {}, "detail": ""})
        face.checks.all["health"] = http_check("health", state=State.WARN)
        face.checks.tell("health")
        await expect(page.locator("#live .badge")).to_have_text("warn")
        await expect(page.locator("details[open]")).to_be_visible()


async def test_new_samples_are_drawn_as_they_come(browser: Browser, tmp_path: Path) -> None:
    async with SamplesFace(tmp_path, [http_check("health")]) as face, opened(browser, f"{face.address}/checks/health?over=1h") as page:
        await expect(page.locator(f"{LATENCY} [data-told]")).to_have_text("There are no samples in this time.")
        at = np.arange(datetime.now(UTC).timestamp() - 600, datetime.now(UTC).timestamp(), 15.0)
        await face.load([Series({NAME: "duration_seconds", "check": "health"}, at, np.full(len(at), 0.25))])
        await expect(page.locator(f"{LATENCY} .legend [data-what=max]")).to_have_text("250 ms")
        assert await pixels(page, LATENCY, "--s1") > 20


async def test_a_check_that_was_not_looked_at_yet_gets_its_charts(browser: Browser, tmp_path: Path) -> None:
    new = SamplesFace(tmp_path, [http_check("health", values={})])
    async with new as face, opened(browser, f"{face.address}/checks/health?over=1h") as page:
        await expect(page.locator("[data-charts]")).to_contain_text("Its looks gave no numbers yet.")
        await expect(page.locator("#connection")).to_have_text("Live")
        face.checks.all["health"] = http_check("health")
        face.checks.tell("health")
        await expect(page.locator("[data-chart]")).to_have_count(3)


async def test_without_scripts_it_is_still_a_page(browser: Browser, tmp_path: Path) -> None:
    async with (
        laboratory(tmp_path) as face,
        opened(browser, f"{face.address}/checks/health", java_script_enabled=False, forgiven=("404",)) as page,
    ):
        await expect(page.locator("h1")).to_contain_text("health")
        await page.get_by_role("link", name="7 d").first.click()
        await expect(page.locator(".ranges [aria-current]")).to_have_text("7 d")
        await page.locator(f"{LATENCY} a[data-numbers=range]").click()
        answer = json.loads(await page.locator("body").inner_text())
        assert {one["labels"][NAME] for one in answer["series"]} == {
            "dns_seconds",
            "connect_seconds",
            "first_byte_seconds",
            "duration_seconds",
        }


async def test_hostile_names_and_texts_run_nothing(browser: Browser, tmp_path: Path) -> None:
    at = np.arange(datetime.now(UTC).timestamp() - 600, datetime.now(UTC).timestamp(), 15.0)
    names = (HOSTILE, '"}) or {', "a" * 900, "\u202eevil\u2066")
    series = [Series({NAME: "duration_seconds", "check": "health", "target": name}, at, np.full(len(at), 1.0)) for name in names]
    shown = http_check("health", sentence=HOSTILE + "\u202e", looks_at=HOSTILE, values={"duration_seconds": 1.0, HOSTILE: 2.0})
    async with SamplesFace(tmp_path, [shown], series) as face, opened(browser, f"{face.address}/checks/health?over=1h") as page:
        rows = page.locator(f"{LATENCY} .legend tbody bdi")
        await expect(rows).to_have_count(len(names))
        texts = await rows.all_inner_texts()
        assert f"target={HOSTILE}" in texts
        assert not any(mark in text for text in texts for mark in "\u202e\u2066")
        assert await page.locator("main img, main script").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


async def test_what_cannot_be_asked_is_said(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face:
        context = await browser.new_context()
        page = await context.new_page()
        refusal = {"error": {"code": "x", "message": "The store is away", "hint": "wait for it", "problems": []}}
        await page.route("**/api/v1/samples/range?*", lambda route: route.fulfill(status=503, json=refusal))
        await page.goto(f"{face.address}/checks/health")
        await expect(page.locator(f"{LATENCY} [data-told]")).to_have_text("The store is away: wait for it")
        await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_it_can_be_read_in_both_colour_schemes(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    settings: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/checks/health", **settings) as page:
        await expect(page.locator("[data-percentiles] tbody tr")).to_have_count(4)
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert await pixels(page, LATENCY, "--s4") > 50
        other = "dark" if scheme == "light" else "light"
        await page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        assert await pixels(page, LATENCY, "--s4") > 50, "the charts follow the scheme"


NUMBERS = [
    0,
    1e-7,
    4.27e-8,
    0.00099949,
    0.0123,
    0.99999,
    1,
    59.994,
    60,
    3599,
    3600,
    86399,
    90061,
    1e12,
    1.5e12,
    1023,
    1024,
    1536,
    123456789,
]
NUMBERS += [0.805, 200, 202.599, 12345.678, 1e15, 1e16, -3, -0.5, 1 / 3, 2.5e-5, 1e300]


async def test_numbers_read_as_the_server_writes_them(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/checks/health") as page:
        for unit in Unit:
            words = await page.evaluate("([values, unit]) => values.map((value) => units.describe(value, unit))", [NUMBERS, unit.value])
            assert dict(zip(NUMBERS, words, strict=True)) == {value: describe(value, unit) for value in NUMBERS}, unit


ANSWER = {
    "start": 0,
    "end": 600,
    "step": 60,
    "series": [
        {"labels": {NAME: "check_state"}, "of": "max", "points": [[0, 0], [60, 0], [120, 3], [180, 1], [240, None], [300, None], [480, 2]]},
        {"labels": {NAME: "check_up"}, "of": "min", "points": [[0, 1], [60, 1], [120, 0], [180, 1], [480, 0]]},
        {"labels": {NAME: "a_seconds"}, "of": "avg", "points": [[0, 1], [60, 2], [120, 3], [180, 4], [480, 5]]},
        {"labels": {NAME: "a_seconds", "place": "b"}, "of": "avg", "points": [[0, 6], [120, 7], [180, None], [480, 8]]},
    ],
}


async def test_gaps_and_spells_are_told_apart(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/checks/health") as page:
        found = await page.evaluate(
            """(given) => { const answer = columns.gathered(given); const spells = columns.spells(answer, 60);
              const series = answer.series.filter((one) => one.name === "a_seconds");
              const words = (one) => one.map((value) => value === null ? "gap" : value ?? "goes on");
              const drawn = columns.aligned({ kind: "avg", answer, series }, 60).columns;
              return { spells, troubles: columns.troubles(answer, spells, [{ from: 50, to: 90 }], 60),
                       times: drawn[0], values: drawn.slice(1).map(words) }; }""",
            ANSWER,
        )
    assert [(one["from"], one["to"], one["state"]) for one in found["spells"]] == [
        (0, 120, "ok"),
        (120, 180, "fail"),
        (180, 240, "warn"),
        (480, 540, "fail"),
    ], "what failed within a step that nobody knew of otherwise is a failure"
    assert [(one["from"], one["to"], one["state"]) for one in found["troubles"]] == [
        (480, 540, "fail"),
        (240, 480, ""),
        (180, 240, "warn"),
        (120, 180, "fail"),
        (50, 90, "maintenance"),
    ]
    assert found["times"] == [30, 90, 150, 210, 360, 510], "in the middle of their steps"
    assert found["values"] == [[1, 2, 3, 4, "gap", 5], [6, "goes on", 7, "gap", "gap", 8]]
