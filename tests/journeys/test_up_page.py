"""The page of a real ``keepwell up``: a fault, its end and a reload are seen without touching the browser."""

import asyncio
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.serving import Served, Target, keepwell, operations

ONE = "keepwell: 1\nservice: shop\nchecks:\n  api: {http: {url: %s/health}, every: 1s}\n"
TWO = ONE + "  front: {http: {url: %s/}, every: 1s}\n"


async def test_a_fault_its_end_and_a_reload_are_seen_live(tmp_path: Path, browser: Browser) -> None:
    with Target(tmp_path) as target:
        directory = operations(tmp_path / "ops", ONE % target.url)
        server = Served(directory, tmp_path / "data")
        try:
            await asyncio.to_thread(server.ready)
            await watch(browser, server, target, directory)
        finally:
            await asyncio.to_thread(server.stop)


async def watch(browser: Browser, server: Served, target: Target, directory: Path) -> None:
    page = await browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(f"http://127.0.0.1:{server.port}/")
    api = page.locator("tr.check", has_text="api")
    await expect(api.locator(".badge")).to_have_text("ok")
    target.answer(503)
    await expect(api.locator(".badge")).to_have_text("fail")
    await expect(api).to_contain_text("answered 503")
    await expect(page.locator(".change-list li").first).to_contain_text("answered 503")
    target.answer(200)
    await expect(api.locator(".badge")).to_have_text("ok")
    operations(directory, TWO % (target.url, target.url))
    done = await asyncio.to_thread(keepwell, "reload", "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    await expect(page.locator("tr.check", has_text="front").locator(".badge")).to_have_text("ok")
    assert errors == []
    await page.close()
