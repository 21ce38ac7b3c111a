"""The pages of alerts of a real ``keepwell up`` in a real browser: what fires is seen live, and people do something about it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.alerts_server import Alerting, alerting
from tests.journeys.test_page_checks import CONTRAST

EVIL = '"><script>window.hacked = 1</script><img src=x onerror="window.hacked=1">'


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Alerting]:
    """A server, started and stopped beside the loop."""
    context = alerting(folder)
    server = await asyncio.to_thread(context.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


@asynccontextmanager
async def opened(browser: Browser, address: str, **settings: Any) -> AsyncIterator[Page]:
    """A page that must throw no error, run no script of others, and never be wider than the window."""
    context = await browser.new_context(**settings)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    reply = await page.goto(address)
    assert reply is not None
    assert reply.status == 200, await reply.text()
    yield page
    assert errors == []
    assert await page.evaluate("window.hacked") is None
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await context.close()


async def fire(server: Alerting, *arguments: str, **more: Any) -> int:
    return await asyncio.to_thread(server.fire, *arguments, **more)


async def give_token(page: Page, token: str) -> None:
    """Answers the question for a token."""
    await page.locator("#token input").fill(token)
    await page.locator("#token .main").click()


async def test_an_alert_is_seen_live_acknowledged_silenced_and_resolved(tmp_path: Path, browser: Browser) -> None:
    async with served(tmp_path) as server, opened(browser, f"{server.address}/alerts") as page:
        await expect(page.locator(".headline")).to_have_text("No alert fires")
        await expect(page.locator("#connection")).to_have_text("Live")
        number = await fire(server, "GET /health answered 503", name="ApiDown", labels={"host": "web1"})
        row = page.locator("#active tbody tr", has_text="ApiDown")
        await expect(row).to_contain_text("GET /health answered 503")
        await expect(page.locator(".headline")).to_have_text("1 alert fires")
        assert await page.title() == "1 alert fires · Alerts · shop"
        await acknowledges(page, server, number)
        await silences(page, server)
        await row.get_by_role("button", name="Resolve").click()
        await page.locator("#resolve [name=resolution]").fill("restarted")
        await page.locator("#resolve .main").click()
        await expect(page.locator(".headline")).to_have_text("No alert fires")
        told = await asyncio.to_thread(server.get, f"/api/v1/alerts/{number}")
        assert told["reason"] == "resolved by maria: restarted"
        await page.get_by_role("link", name="History").click()
        await expect(page.locator(".alerts tbody tr")).to_have_count(2)
        await page.get_by_role("link", name="ApiDown").click()
        await expect(page.locator(".standing")).to_contain_text("resolved by maria: restarted")
        await expect(page.locator(".look-list li")).to_have_count(4)


async def acknowledges(page: Page, server: Alerting, number: int) -> None:
    """With a token that is wrong at first."""
    await page.get_by_role("button", name=f"Acknowledge ApiDown {number}").click()
    await page.locator("#acknowledge [name=note]").fill("restarting it")
    await page.locator("#acknowledge [name=by]").fill("maria")
    await page.locator("#acknowledge .main").click()
    await expect(page.locator("#token")).to_be_visible()
    await give_token(page, "kw_wrong")
    await expect(page.locator("#token [data-problem]")).to_contain_text("The token is not known here")
    await give_token(page, server.token)
    await expect(page.locator("#acknowledge")).to_be_hidden()
    row = page.locator("#active tbody tr", has_text="ApiDown")
    await expect(row.locator(".note.known")).to_have_text("known to maria: restarting it")
    await expect(page.locator(".headline")).to_have_text("1 alert fires, all known or muted")
    await row.get_by_role("button", name="Take back").click()
    await expect(row.locator(".note.known")).to_have_count(0)


async def silences(page: Page, server: Alerting) -> None:
    """What it would mute is shown while the matchers are written; the form is not lost when something changes."""
    await page.get_by_role("button", name="Silence ApiDown").click()
    area, shown = page.locator("#silence textarea[name=matchers]"), page.locator("[data-previewed]")
    assert await area.input_value() == 'alertname="ApiDown"\nhost="web1"\nservice="shop"'
    await expect(shown).to_contain_text("1 active alert fits")
    await area.fill('host=~"web.*"')
    await fire(server, "another", name="OtherDown", labels={"host": "web2"})
    await expect(page.locator("#active tbody tr")).to_have_count(2)
    assert await area.input_value() == 'host=~"web.*"'
    await area.press("End")
    await area.type(" ")
    await expect(shown).to_contain_text("2 active alerts fit")
    await area.fill("nonsense{")
    await expect(shown).to_contain_text("is no matcher")
    await area.fill('host="web2"')
    await page.locator("#silence [name=for]").fill("soon")
    await page.locator("#silence [name=comment]").fill("known")
    await page.locator("#silence .main").click()
    await expect(page.locator("#silence [data-problem]")).to_contain_text("is not a duration")
    await page.locator("#silence [name=for]").fill("90m")
    await page.locator("#silence .main").click()
    await expect(page.locator(".silences li")).to_contain_text('host="web2"')
    await expect(page.locator("#active tbody tr", has_text="OtherDown")).to_contain_text("muted: silenced by maria until")
    await expect(page.locator(".counts")).to_contain_text("muted 1")
    await page.get_by_role("button", name="End the silence").click()
    await expect(page.locator(".silences li")).to_have_count(0)
    found = await asyncio.to_thread(server.get, "/api/v1/alerts?matcher=host%3D%22web2%22")
    assert await asyncio.to_thread(server.post, f"/api/v1/alerts/{found['active_alerts'][0]['id']}/resolve")
    await expect(page.locator("#active tbody tr")).to_have_count(1)


async def test_what_others_say_is_only_text_in_light_dark_and_narrow(tmp_path: Path, browser: Browser) -> None:
    async with served(tmp_path) as server:
        links = {"runbook_url": "javascript:window.hacked=1", "dashboard": "https://example.org/d?x=<b>"}
        number = await fire(server, EVIL, name=EVIL, labels={"check": EVIL, "long": "x" * 300}, annotations=links)
        for severity in ("error", "warning", "info", EVIL[:90]):
            await fire(server, f"{severity} {'word ' * 40}", severity, name="Other", labels={"is": severity})
        await asyncio.to_thread(server.post, "/api/v1/silences", {"matchers": ["a=b"], "for": "1h", "comment": EVIL, "by": EVIL})
        await asyncio.to_thread(server.post, f"/api/v1/alerts/{number}/acknowledge", {"by": EVIL, "note": EVIL})
        for settings in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 700}}):
            for path in ("/alerts", f"/alerts/{number}", "/alerts/history", "/alerts/patterns", "/alerts/history?name=x"):
                async with opened(browser, f"{server.address}{path}", **settings) as page:
                    await expect(page.locator("main")).to_be_visible()
                    assert await page.evaluate(CONTRAST) == [], (path, settings)
        async with opened(browser, f"{server.address}/alerts/{number}") as page:
            await expect(page.get_by_role("link", name="https://example.org")).to_have_attribute("rel", "noreferrer noopener")
            assert await page.locator("a[href^='javascript']").count() == 0
            await page.get_by_role("button", name="Silence").click()
            assert EVIL.replace('"', '\\"') in await page.locator("#silence textarea[name=matchers]").input_value()
            await expect(page.locator("[data-previewed]")).to_contain_text("1 active alert fits")
