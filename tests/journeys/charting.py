"""What the journeys over charts share: a page that tells what it complains of, and what its canvases show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Error, Page, expect

from tests.support import until

ZONE = "Europe/Berlin"

OF_THE_TEST = "willReadFrequently"
"""What the browser says of ``pixels``, which reads a canvas back."""


@asynccontextmanager
async def opened(
    browser: Browser, address: str, forgiven: tuple[str, ...] = (), *, waits: bool = True, **context: Any
) -> AsyncIterator[Page]:
    """The page, its charts drawn (unless nobody ``waits`` for that). Whatever it complains of (an error, a refusal by the content security
    policy) fails the test, but for what contains one of the ``forgiven`` texts."""
    settings = {"viewport": {"width": 1280, "height": 900}, "timezone_id": ZONE, **context}
    made = await browser.new_context(**settings)
    page = await made.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    await page.goto(address)
    if waits and settings.get("java_script_enabled", True):
        await drawn(page)
    yield page
    left = [text for text in complaints if not any(part in text for part in (*forgiven, OF_THE_TEST))]
    assert left == [], left
    await made.close()


async def drawn(page: Page, times: int = 1) -> None:
    """Waits until the charts were drawn so often."""

    async def enough() -> bool:
        return await times_drawn(page) >= times

    await until(enough, 20, f"a chart drawn {times} times")
    await expect(page.locator("[data-charts]")).not_to_have_attribute("aria-busy", "true")


async def times_drawn(page: Page) -> int:
    """How often the charts were drawn; never, while another page is on its way."""
    try:
        return int(await page.evaluate("document.querySelector('[data-charts]')?.dataset.drawn ?? 0"))
    except Error:
        return 0


async def pixels(page: Page, figure: str, variable: str) -> int:
    """How many pixels of a figure's canvas have the colour of a CSS variable, give or take what smoothing does at their edges."""
    return int(await page.evaluate(PIXELS, [figure, variable]))


PIXELS = """([figure, variable]) => {
  const canvas = document.querySelector(`${figure} canvas`);
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
  probe.fillRect(0, 0, 1, 1);
  const wanted = probe.getImageData(0, 0, 1, 1).data;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let found = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 200 && [0, 1, 2].every((part) => Math.abs(data[at + part] - wanted[part]) < 12)) found += 1;
  return found;
}"""


async def legend(page: Page, figure: str) -> dict[str, dict[str, str]]:
    """The rows of a figure's table by their series: last, mean, min and max as they are written."""
    rows = {}
    for row in await page.locator(f"{figure} .legend tbody tr").all():
        name = await row.locator("bdi").inner_text()
        rows[name] = {what: await row.locator(f"[data-what={what}]").inner_text() for what in ("last", "mean", "min", "max")}
    return rows
