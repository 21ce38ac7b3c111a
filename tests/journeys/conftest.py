"""A real browser for journeys."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.support import need

expect.set_options(timeout=60_000)  # milliseconds; a busy machine takes its time, and what never comes still fails


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    program = need("chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        await started.close()
