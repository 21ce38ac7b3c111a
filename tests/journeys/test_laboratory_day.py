"""A day of the laboratory, brought by ``keepwell samples import`` and looked at on the pages of a real ``keepwell up``."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from keepwell.kernel.comparisons import Unit
from lab.day import day, openmetrics
from tests.journeys.charting import drawn, legend, opened, pixels
from tests.journeys.test_check_page import LATENCY, figures_of
from tests.serving import Served, Target, keepwell, operations

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIGURATION = """\
keepwell: 1
service: laboratory
targets:
  tonehoused: {url: "%s"}
checks:
  health: {http: {target: tonehoused, path: /health, warn: "> 100ms", fail: "> 500ms"}, every: 15s}
"""


@contextmanager
def laboratory(folder: Path) -> Iterator[Served]:
    """A server that has the day, and looks at a target of its own."""
    (folder / "day.om").write_text("".join(openmetrics(day(datetime.now(UTC)))))
    with Target(folder) as target:
        directory = operations(folder / "ops", CONFIGURATION % target.url)
        brought = keepwell("samples", "import", str(folder / "day.om"), "--data", str(folder / "data"), "--operations", str(directory))
        assert brought.returncode == 0, brought.stderr
        server = Served(directory, folder / "data")
        try:
            yield server.ready()
        finally:
            server.stop()


async def test_the_day_is_drawn_from_files(browser: Browser, tmp_path: Path) -> None:
    starting = laboratory(tmp_path)
    server = await asyncio.to_thread(starting.__enter__)
    try:
        await look_at_the_check(browser, server)
        await look_at_the_samples(browser, server)
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def look_at_the_check(browser: Browser, server: Served) -> None:
    address = f"http://127.0.0.1:{server.port}"
    async with opened(browser, f"{address}/checks/health?over=24h") as page:
        answers: list[str] = []

        async def keep(route):  # type: ignore[no-untyped-def]
            answer = await route.fetch()
            answers.append(await answer.text())
            await route.fulfill(response=answer)

        await page.route("**/api/v1/samples/range?*", keep)
        await page.reload()
        await drawn(page)
        assert await pixels(page, "[data-band]", "--ok-cell") > 5_000
        assert await pixels(page, "[data-band]", "--fail-cell") > 500
        answer = json.loads(answers[-1])
        assert answer["tier"] == "5m"
        shown = await legend(page, LATENCY)
        place = 1 + list(shown).index("duration_seconds")
        assert await pixels(page, LATENCY, f"--s{place}") > 100
        assert shown["duration_seconds"] == figures_of(answer, "duration_seconds", Unit.SECONDS)
        assert shown["duration_seconds"]["max"].startswith("8"), "the laboratory was slow in the night"
        await expect(page.locator("[data-availability] tr[data-over='24h'] [data-down]")).to_contain_text("outages")
        await expect(page.locator("[data-percentiles] tbody tr").last).to_contain_text("duration")
        await expect(page.locator(f"{LATENCY} p[data-told]")).to_have_text("")


async def look_at_the_samples(browser: Browser, server: Served) -> None:
    address = f"http://127.0.0.1:{server.port}"
    async with opened(browser, f"{address}/samples?match=tonehoused_requests_total&over=24h") as page:
        assert len(await legend(page, "[data-chart]")) == 8
        assert await pixels(page, "[data-chart]", "--s4") > 200
        await expect(page.locator(".troubles")).to_have_count(0)
        link = page.locator("[data-chart] a[data-numbers=export]")
        parts = urlsplit(await link.get_attribute("href") or "")
        exported = await page.request.get(f"{address}{parts.path}?{parts.query}")
        assert exported.status == 200
        assert len((await exported.text()).splitlines()) > 20_000
        # Roll-ups of the last day are in memory; single samples of an hour long ago are read from its file.
        damaged = sorted((server.data / "samples" / "raw").glob("*.parquet"))[5]
        damaged.write_bytes(b"nothing of the kind")
        exported = await page.request.get(f"{address}{parts.path}?{parts.query}")
        assert exported.status == 200
        await page.reload()
        await drawn(page)
        assert len(await legend(page, "[data-chart]")) == 8, "what remains is served"
        await page.reload()
        await expect(page.locator(".troubles")).to_contain_text(damaged.name)
