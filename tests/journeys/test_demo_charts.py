"""What ``keepwell demo`` leaves as samples is drawn while it runs, and so is a fault."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.demonstrating import demonstration
from tests.journeys.charting import legend, opened, pixels
from tests.journeys.test_check_page import LATENCY
from tests.serving import keepwell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def test_the_demonstration_is_drawn(browser: Browser, tmp_path: Path) -> None:
    running = demonstration(tmp_path)
    said = await asyncio.to_thread(running.__enter__)
    try:
        async with opened(browser, f"{said['page']}checks/health", waits=False) as page:
            await expect(page.locator("#live .badge")).to_have_text("ok")
            await expect(page.locator(f"{LATENCY} .legend tbody tr")).to_have_count(5)
            broken = await asyncio.to_thread(keepwell, "demo", "break", "api-slow", **said["environment"])
            assert broken.returncode == 0, broken.stderr
            await expect(page.locator("#live .badge")).to_have_text("fail")
            slow = page.locator(f"{LATENCY} .legend tbody tr").last.locator("[data-what=max]")
            await expect(slow).to_contain_text("8")
            await expect(page.locator("[data-spells]")).to_contain_text("fail")
            assert await pixels(page, "[data-band]", "--fail-cell") > 10
            shown = await legend(page, LATENCY)
            assert shown["duration_seconds"]["max"].removesuffix(" ms").startswith("8")
            await expect(page.locator(".ranges [aria-current]")).to_have_text("1 h")
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)
