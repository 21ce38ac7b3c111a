"""The pages of logs of a real ``keepwell up`` in a real browser: they ask again by themselves, and say so where nobody answers."""

import asyncio
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.journeys.test_alerts_pages import opened
from tests.serving import Served, operations


async def test_a_page_that_nobody_answers_says_that_it_is_old(tmp_path: Path, browser: Browser) -> None:
    directory = operations(tmp_path / "ops", f"keepwell: 1\nservice: shop\nlogs:\n  shop: {{paths: ['{tmp_path}/*.log']}}\n")
    server = Served(directory, tmp_path / "data")
    try:
        await asyncio.to_thread(server.ready)
        async with opened(browser, f"http://127.0.0.1:{server.port}/logs") as page:
            await expect(page.locator("#live")).to_contain_text("shop")
            await expect(page.locator("#connection")).to_be_hidden()
            await asyncio.to_thread(server.stop)
            await page.evaluate("htmx.trigger('#live', 'again')")
            await expect(page.locator("#connection")).to_contain_text("Connection lost")
            server = Served(directory, tmp_path / "data", port=server.port)
            await asyncio.to_thread(server.ready)
            await page.evaluate("htmx.trigger('#live', 'again')")
            await expect(page.locator("#connection")).to_be_hidden()
            assert await page.evaluate("document.body.classList.contains('stale')") is False
    finally:
        server.stop()
