"""Reports and the living manual of a real ``keepwell up`` in a real browser: on pages, and as files that need nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.journeys.test_page_checks import CONTRAST
from tests.serving import Served, keepwell, serving
from tests.support import wait_until

MANUAL = """\
# Shop <script>window.hacked = 1</script>

```bash
df -h /
```

| Metric | Target | Warning | Critical |
|---|---|---|---|
| Disk usage | <70% | >99.9% | >99.99% |

- [ ] Look at the orders
"""


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Served]:
    """A server with an imported manual, that has looked at its disk."""
    (folder / "shop.md").write_text(MANUAL)
    ops, data = folder / "ops", folder / "data"
    arguments = ("import", str(folder / "shop.md"), "-o", str(ops), "--every", "1s", "--data", str(data))
    imported = await asyncio.to_thread(keepwell, *arguments)
    assert imported.returncode == 0, imported.stderr
    context = serving(ops, data)
    server = await asyncio.to_thread(context.__enter__)
    try:
        await asyncio.to_thread(wait_until, lambda: server.get("/api/v1/manual")["coverage"]["ran"] > 0, 20, "evidence")
        yield server
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


@asynccontextmanager
async def opened(browser: Browser, address: str, **settings: Any) -> AsyncIterator[Page]:
    """A page that says nothing on the console (no policy is broken), runs no script of others, and is never wider than the window."""
    context = await browser.new_context(**settings)
    page = await context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    await page.goto(address)
    yield page
    assert said == []
    assert await page.evaluate("window.hacked") is None
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await context.close()


async def test_reports_on_pages_and_in_a_file(tmp_path: Path, browser: Browser) -> None:
    async with shop(tmp_path) as server:
        address = f"http://127.0.0.1:{server.port}"
        async with opened(browser, f"{address}/reports") as page:
            await page.get_by_role("link", name="Weekly report").click()
            await expect(page.locator("h1")).to_have_text("Weekly report")
            await expect(page.locator("tr", has_text="disk usage")).to_contain_text("on target")
            assert await page.locator(".report-plot svg").count() == 1
            await expect(page.locator("section", has_text="Backups").last).to_contain_text("not measured")
            await page.get_by_role("link", name="day", exact=True).click()
            await expect(page.locator(".report-span")).to_contain_text("the last 24 hours")
            assert await page.evaluate(CONTRAST) == []
        async with opened(browser, f"{address}/reports/now/capacity", viewport={"width": 400, "height": 800}) as page:
            await expect(page.locator("#part-capacity")).to_be_visible()
        file = tmp_path / "week.html"
        written = await asyncio.to_thread(keepwell, "report", "weekly", "-o", str(file), "--data", str(server.data))
        assert written.returncode == 0, written.stderr
    async with opened(browser, file.as_uri()) as page:
        await expect(page.locator("tr", has_text="disk usage")).to_contain_text("on target")
        assert await page.evaluate("getComputedStyle(document.querySelector('.report-table')).borderCollapse") == "collapse"


async def test_the_manual_with_its_evidence(tmp_path: Path, browser: Browser) -> None:
    async with shop(tmp_path) as server:
        for settings in ({}, {"viewport": {"width": 400, "height": 800}}, {"color_scheme": "dark"}):
            async with opened(browser, f"http://127.0.0.1:{server.port}/manual", **settings) as page:
                await expect(page.locator(".manual-text h1")).to_have_text("Shop <script>window.hacked = 1</script>")
                await expect(page.locator(".note", has_text="checks.disk").first).to_contain_text("ago")
                await expect(page.locator(".note.waits").last).to_contain_text("never ran yet")
                assert await page.evaluate(CONTRAST) == []
        file = tmp_path / "manual.html"
        written = await asyncio.to_thread(keepwell, "manual", "export", "-o", str(file), "--data", str(server.data))
        assert written.returncode == 0, written.stderr
    async with opened(browser, file.as_uri()) as page:
        await expect(page.locator(".figure")).to_contain_text("covered")
        assert await page.evaluate("getComputedStyle(document.querySelector('.manual-row')).display") == "grid"
