"""The page of samples over the laboratory's day, in a real browser: any series can be charted, and what is left out is said."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest
from playwright.async_api import Browser, expect

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import Metric
from keepwell.rooms.samples.views_page import CHARTED, About, TierFigures
from lab.day import Series, day
from tests.journeys.charting import drawn, legend, opened, pixels
from tests.journeys.test_check_page import ask
from tests.journeys.test_page_checks import CONTRAST, HOSTILE
from tests.services.samples_face import SamplesFace
from tests.services.test_web_check_page import target

CHART = "[data-chart]"


def laboratory(folder: Path) -> SamplesFace:
    """The page over the laboratory's day up to now."""
    face = SamplesFace(folder, [], day(datetime.now(UTC)))
    tier = TierFigures("raw", 23, 2**21, datetime(2026, 11, 1, tzinfo=UTC))
    face.about = About(30, 2.0, 0, 0, 2**22, {}, [tier], ["samples/raw/20261101T06.parquet was altered; what it holds is left out"])
    face.targets = [target("10.0.0.1:9100", "down", "connection refused"), target("10.0.0.2:9100")]
    return face


def recent(labels: dict[str, str], value: float = 1.0) -> Series:
    at = np.arange(datetime.now(UTC).timestamp() - 900, datetime.now(UTC).timestamp(), 15.0)
    return Series(labels, at, np.full(len(at), value))


async def test_a_metric_is_found_and_drawn(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/samples", waits=False) as page:
        await page.fill("#words", "memory")
        await page.keyboard.press("Enter")
        await expect(page.locator(".metrics tbody tr")).to_have_count(1)
        await page.get_by_role("link", name="memory_bytes").click()
        await drawn(page)
        assert await pixels(page, CHART, "--s1") > 200
        await page.get_by_role("link", name="24 h").click()
        await drawn(page, 2)
        shown = (await legend(page, CHART))["memory_bytes"]
        answer = await ask(face, "/api/v1/samples/range?match=memory_bytes&start=-24h&step=300&of=min,max")
        highest = max(value for one in answer["series"] if one["of"] == "max" for _, value in one["points"] if value)
        assert shown["max"] == f"{highest / 2**20:.4g} MiB"
        asked = parse_qs(urlsplit(page.url).query)
        assert (asked["match"], asked["over"], asked["words"]) == (["memory_bytes"], ["24h"], ["memory"])


async def test_a_selector_is_drawn_and_a_counter_is_its_rate(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/samples?over=24h", waits=False) as page:
        await page.fill("#match", 'tonehoused_requests_total{code="500"}')
        await page.keyboard.press("Enter")
        await drawn(page)
        rows = await legend(page, CHART)
        assert sorted(rows) == [
            "endpoint=/api/status",
            "endpoint=/api/system/memory",
            "endpoint=/api/system/performance",
            "endpoint=/health",
        ]
        assert all(row["max"].endswith("/s") for row in rows.values())
        assert 4 < float(rows["endpoint=/health"]["max"].removesuffix("/s")) < 8, "as many as are asked for at that hour"
        assert await pixels(page, CHART, "--s4") > 20


async def test_what_is_more_than_can_be_drawn_is_said(browser: Browser, tmp_path: Path) -> None:
    series = [recent({NAME: "room_celsius", "room": f"{number:03}"}, float(number)) for number in range(500)]
    async with SamplesFace(tmp_path, [], series) as face:
        await face.store.describe({"room_celsius": Metric("gauge", "how warm it is")})
        async with opened(browser, f"{face.address}/samples?match=room_celsius&over=1h") as page:
            note = f"500 series fit; {CHARTED} are drawn: ask for fewer to see the others."
            await expect(page.locator(f"{CHART} [data-told]")).to_have_text(note)
            assert len(await legend(page, CHART)) == CHARTED
            await expect(page.locator(".metrics tbody")).to_contain_text("how warm it is")
            await expect(page.locator(".metrics tbody")).to_contain_text("0 to 499")


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ("sum(up)", "more than a selector of series"),
        ('up{job=~"("}', "illegal regex"),
        ("up{", "cannot be read"),
        ("nothing_of_the_kind", "There are no samples in this time."),
    ],
)
async def test_what_cannot_be_drawn_is_said_in_a_sentence(browser: Browser, tmp_path: Path, match: str, told: str) -> None:
    address = f"/samples?match={quote(match)}"
    async with laboratory(tmp_path) as face, opened(browser, face.address + address, ("Failed to load resource",)) as page:
        await expect(page.locator(f"{CHART} [data-told]")).to_contain_text(told)
        assert await page.locator("#match").input_value() == match


async def test_hostile_names_are_harmless(browser: Browser, tmp_path: Path) -> None:
    labels = (HOSTILE, '"}) or {', "b" * 2000, "\u202eevil\u2066", "tab\tand\x1b[2Jmore")
    series = [recent({NAME: HOSTILE, "label": text, "other": HOSTILE}) for text in labels]
    async with SamplesFace(tmp_path, [], series) as face, opened(browser, f"{face.address}/samples", waits=False) as page:
        await page.locator(".metrics tbody a").click()
        await drawn(page)
        rows = page.locator(f"{CHART} .legend tbody bdi")
        await expect(rows).to_have_count(len(labels))
        texts = await rows.all_inner_texts()
        assert f"label={HOSTILE}" in texts
        assert not any(mark in text for text in texts for mark in "\u202e\u2066\x1b")
        assert await page.locator("main img, main script").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


async def test_how_the_store_is_stays_current(browser: Browser, tmp_path: Path) -> None:
    async with laboratory(tmp_path) as face, opened(browser, f"{face.address}/samples", waits=False) as page:
        await expect(page.locator(".troubles")).to_contain_text("20261101T06.parquet was altered")
        await expect(page.locator("#live")).to_contain_text("connection refused")
        face.targets = [target("10.0.0.1:9100")]
        face.about = About(series=31)
        await page.evaluate("htmx.trigger('#live', 'again')")
        await expect(page.locator("#live .badge")).to_have_text(["up"])
        await expect(page.locator("#live dl")).to_contain_text("31")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_it_can_be_read_in_both_colour_schemes(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    settings: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    address = "/samples?match=tonehoused_requests_total&over=24h"
    async with laboratory(tmp_path) as face, opened(browser, face.address + address, **settings) as page:
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert await pixels(page, CHART, "--s1") > 50
