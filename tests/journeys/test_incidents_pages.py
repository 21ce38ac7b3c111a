"""The pages of incidents and audits of a real ``keepwell up`` in a real browser: people answer, and accept a finding for a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Route, expect

from tests.alerts_server import Alerting
from tests.journeys.test_alerts_pages import EVIL, fire, give_token, opened
from tests.journeys.test_page_checks import CONTRAST
from tests.serving import operations, serving, token_in
from tests.support import wait_until

OPERATIONS = """\
keepwell: 1
service: shop
checks: {{}}
incidents: {{severities: {{P1: {{respond: 15m, update: 30m, means: Down}}, P2: {{respond: 1h}}}}}}
audits: {{files: {{world_writable: {{paths: ["{folder}"]}}, every: 2s}}}}
"""


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Alerting]:
    """A server with a folder that everybody may write, and a token for all of it."""
    looked, data = folder / "looked", folder / "data"
    (looked / "<b>upload").mkdir(parents=True)
    (looked / "<b>upload").chmod(0o777)
    directory = operations(folder / "ops", OPERATIONS.format(folder=looked))
    token = token_in(data, "alerts.write", "incidents.write", "audits.write")
    context = serving(directory, data)
    server = await asyncio.to_thread(context.__enter__)
    try:
        yield Alerting(server, token)
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


async def test_an_incident_is_seen_live_answered_and_resolved(tmp_path: Path, browser: Browser) -> None:
    async with served(tmp_path) as server, opened(browser, f"{server.address}/incidents") as page:
        await expect(page.locator(".headline")).to_have_text("No incident is open")
        await expect(page.locator("#connection")).to_have_text("Live")
        await fire(server, f"the api is down {EVIL}", name="ApiDown")
        await expect(page.locator(".headline")).to_have_text("1 incident is open, 1 not answered yet")
        row = page.locator(".alerts tbody tr", has_text="ApiDown")
        await expect(row).to_contain_text("response due in ")
        await row.get_by_role("button", name="Answer").click()
        await page.locator("#acknowledge [name=note]").fill("on it")
        await page.locator("#acknowledge [name=by]").fill("maria")
        await page.locator("#acknowledge .main").click()
        await give_token(page, server.token)
        await expect(row).to_contain_text("answered by maria")
        assert await page.evaluate(CONTRAST) == []
        await row.get_by_role("link", name="ApiDown").click()
        await expect(page.locator(".look-list")).to_contain_text("on it")
        await page.get_by_role("button", name="is resolved").click()
        await page.locator("#resolve [name=note]").fill("restarted")
        await page.locator("#resolve .main").click()
        await expect(page.locator(".standing")).to_contain_text("response in time")
        await expect(page.locator(".standing .since")).to_contain_text("resolved, opened")
        assert await page.evaluate(CONTRAST) == []


async def test_what_happens_before_the_page_is_connected_is_shown(tmp_path: Path, browser: Browser) -> None:
    async with served(tmp_path) as server:
        page = await browser.new_page()

        async def late(route: Route) -> None:
            await fire(server, "the api is down", name="ApiDown")
            await asyncio.to_thread(wait_until, lambda: server.run("incidents", "list")[0] == 1, what="an incident")
            await route.continue_()

        await page.route("**/events/incidents", late)
        await page.goto(f"{server.address}/incidents")
        await expect(page.locator(".headline")).to_have_text("No incident is open")
        await expect(page.locator(".headline")).to_have_text("1 incident is open, 1 not answered yet")
        await page.close()


async def test_an_incident_becomes_part_of_another(tmp_path: Path, browser: Browser) -> None:
    async with served(tmp_path) as server:
        for name in ("ApiDown", "ErrorRate"):
            await fire(server, f"{name} {EVIL}", name=name)
        async with opened(browser, f"{server.address}/incidents") as page:
            await expect(page.locator(".headline")).to_have_text("2 incidents are open, 2 not answered yet")
            assert await page.get_by_role("button", name="is part of another").count() == 0
            await page.get_by_role("link", name="ErrorRate").click()
            await page.get_by_role("button", name="is part of another").click()
            await page.locator("#merge [name=into]").fill("1")
            await page.locator("#merge [name=note]").fill("one outage")
            await page.locator("#merge .main").click()
            await give_token(page, server.token)
            await page.locator(".standing").get_by_role("link", name="incident 1").click()
            await expect(page.locator(".look-list")).to_contain_text("incident 2 is part of it")
            await expect(page.locator(".earlier").first).to_contain_text("ErrorRate")
            assert await page.evaluate(CONTRAST) == []


async def test_a_finding_is_waived_on_a_small_screen(tmp_path: Path, browser: Browser) -> None:
    settings = {"viewport": {"width": 390, "height": 800}}
    async with served(tmp_path) as server, opened(browser, f"{server.address}/audits", **settings) as page:
        await expect(page.locator(".headline")).to_have_text("1 finding counts")
        await page.get_by_role("button", name="Waive").click()
        await page.locator("#waive [name=reason]").fill("moved in May")
        await page.locator("#waive .main").click()
        await give_token(page, server.token)
        await expect(page.locator(".headline")).to_have_text("No finding counts")
        await expect(page.get_by_text("moved in May")).to_be_visible()
        await page.get_by_role("button", name="Take the waiver back").click()
        await expect(page.locator(".headline")).to_have_text("1 finding counts")
        assert await page.evaluate(CONTRAST) == []
