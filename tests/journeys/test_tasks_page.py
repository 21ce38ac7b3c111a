"""The page of tasks of a real ``keepwell up`` in a real browser: what waits for a person is done by one, and the calendar says so."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.journeys.test_alerts_pages import give_token, opened
from tests.journeys.test_page_checks import CONTRAST
from tests.serving import Served, keepwell, operations

CONFIGURATION = """\
keepwell: 1
service: shop
tasks:
  review-access: {every: 2s, priority: high}
  rotate: {waits_for: rotate-logs.sh, every: daily}
  gone: {run: runbooks/gone.md, every: "daily 03:00", zone: Europe/Berlin}
  quarterly: {run: runbooks/gone.md, every: quarterly, locks: [database], expected_duration: 10m}
"""


def token_of(data: Path) -> str:
    """A token that permits to do something about tasks."""
    made = keepwell("token", "create", "browser", "--permission", "tasks.write", "--data", str(data), "--json")
    assert made.returncode == 0, made.stderr
    answer: dict[str, Any] = json.loads(made.stdout)
    return str(answer["token"])


async def test_what_waits_for_a_person_is_done_and_stands_in_the_calendar(tmp_path: Path, browser: Browser) -> None:
    server = Served(operations(tmp_path / "ops", CONFIGURATION), tmp_path / "data")
    try:
        await asyncio.to_thread(server.ready)
        token = await asyncio.to_thread(token_of, server.data)
        async with opened(browser, f"http://127.0.0.1:{server.port}/tasks") as page:
            row = page.locator("tbody tr", has_text="review-access").first
            await expect(row).to_contain_text("a person does it and says so")
            await row.get_by_role("button", name="review-access is done").click()
            await page.locator("#done [name=note]").fill("two accounts closed")
            await page.locator("#done [name=by]").fill("maria")
            await page.locator("#done .main").click()
            await give_token(page, token)
            await expect(page.locator("#done")).to_be_hidden()
            await page.get_by_role("link", name="gone", exact=True).first.click()
            await expect(page.locator("h1")).to_have_text("gone")
            await page.get_by_role("button", name="Run gone now").click()
            await expect(page.locator(".alerts tbody tr").first).to_contain_text("gone.md")
            await expect(page.locator(".alerts tbody tr .badge").first).to_have_text("refused")
        await looks_well(browser, f"http://127.0.0.1:{server.port}")
        runs = await asyncio.to_thread(server.get, "/api/v1/task-runs?task=review-access&limit=1000")
        assert "done by maria: two accounts closed" in [run["sentence"] for run in runs["runs"]]
    finally:
        await asyncio.to_thread(server.stop)


async def looks_well(browser: Browser, address: str) -> None:
    """On screens of each width, light and dark: nothing too wide, nothing too pale."""
    for width, scheme in ((1440, "light"), (390, "dark")):
        for path in ("/tasks?zone=Europe/Berlin", "/tasks/gone"):
            async with opened(browser, address + path, viewport={"width": width, "height": 900}, color_scheme=scheme) as page:
                assert await page.evaluate(CONTRAST) == [], (path, width)
                if path.startswith("/tasks?"):
                    await expect(page.locator(".calendar tbody tr")).to_have_count(6)
                    await expect(page.locator(".calendar td.today")).to_have_count(1)
                    await expect(page.locator(".calendar li.to-come", has_text="gone").first).to_contain_text("03:00")


@pytest.mark.parametrize("path", ["/tasks?zone=Nowhere", "/tasks/none"])
async def test_what_is_not_there_is_said(tmp_path: Path, browser: Browser, path: str) -> None:
    server = Served(operations(tmp_path / "ops", "keepwell: 1\nservice: shop\n"), tmp_path / "data")
    try:
        await asyncio.to_thread(server.ready)
        page = await browser.new_page()
        reply = await page.goto(f"http://127.0.0.1:{server.port}{path}")
        assert reply is not None
        assert reply.status in (400, 404, 422)
        assert "Nowhere" in await page.inner_text("main") or "no task is called none" in await page.inner_text("main")
    finally:
        await asyncio.to_thread(server.stop)
