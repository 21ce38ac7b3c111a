"""The report of an import in a real browser, opened as a file: what it shows, how it filters, and that it asks nobody anything."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from keepwell.rooms.manual.importing.decide import import_manual
from keepwell.rooms.manual.importing.report import report
from keepwell.rooms.manual.importing.report_page import page

LAB = Path(__file__).resolve().parents[2] / "lab" / "manual.md"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_it_is_read_and_filtered(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    whole = report(import_manual(LAB.read_bytes(), "manual.md"))
    file = tmp_path / "import-report.html"
    file.write_text(page(whole), "utf-8")
    shown = await browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    told: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: told.append(message.text))
    shown.on("pageerror", lambda error: told.append(str(error)))
    await shown.goto(file.as_uri())
    assert await shown.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    dark = await shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(17, 24, 27)") is (scheme == "dark")
    counts = whole["summary"]["dispositions"]
    rows = shown.locator("tr[data-disposition]:visible")
    assert await rows.count() == whole["summary"]["items"]
    for name in counts:
        await shown.click(f"button[data-show={name}]")
        assert await rows.count() == counts[name]
        assert await shown.locator("#shown").inner_text() == f"{counts[name]} of {whole['summary']['items']} items: {name}"
    await shown.click(f"button[data-show={name}]")
    assert await rows.count() == whole["summary"]["items"]
    assert asked == [file.as_uri()]
    assert told == []
    await shown.close()
