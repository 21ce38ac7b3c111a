"""The first page in a real browser: it stays live, it can be filtered, it says when it is old, and nothing in it runs that should not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from keepwell.ports.offer import Event
from tests.services.web_face import FakeRoom, Running, change, check

LIVE = "[data-connection=live]"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@asynccontextmanager
async def opened(browser: Browser, address: str, *, forgiven: Callable[[str], bool] = lambda text: False) -> AsyncIterator[Page]:
    """The page, live. Whatever it complains of (an error, a refusal by the content security policy) fails the test."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    await page.goto(address)
    await page.wait_for_selector(LIVE)
    yield page
    assert [text for text in complaints if not forgiven(text)] == []
    await context.close()


async def names(page: Page) -> list[str]:
    return await page.locator("#checks tbody tr:not([hidden]) .name").all_inner_texts()


async def test_what_changes_is_seen_at_once(browser: Browser) -> None:
    room = FakeRoom([check("alpha"), check("beta"), check("gamma")])
    async with Running(room) as running, opened(browser, running.address) as page:
        await expect(page.locator(".headline")).to_have_text("All 3 checks are ok")
        await expect(page.locator(".change-list")).to_have_text("Nothing has changed yet.")
        room.set_state("gamma", "fail", "503 (expected 200)")
        await expect(page.locator("#check-gamma .badge")).to_have_text("fail")
        await expect(page.locator("#check-gamma .seen")).to_contain_text("503 (expected 200)")
        await expect(page.locator(".headline")).to_have_text("1 failing")
        await expect(page).to_have_title("1 failing · Checks · audio <deck>")
        await expect(page.locator(".change-list li:visible")).to_have_count(1)
        assert await names(page) == ["gamma", "alpha", "beta"], "what fails moves up"
        room.set_state("gamma", "ok", "200")
        await expect(page.locator("#check-gamma .badge")).to_have_text("ok")
        await expect(page).to_have_title("Checks · audio <deck>")
        await expect(page.locator(".change-list li:visible")).to_have_count(2)
        await expect(page.locator(".change-list li").first).to_contain_text("200")
        assert await page.locator("#checks tbody tr").count() == 3


async def test_the_list_of_changes_stays_short(browser: Browser) -> None:
    room = FakeRoom([check("alpha")], [change("alpha", "ok", "fail", f"old {number}") for number in range(20)])
    async with Running(room) as running, opened(browser, running.address) as page:
        for number in range(5):
            room.push(Event("change", "checks/change_row.html", {"change": change("alpha", "ok", "warn", f"new {number}")}))
        await expect(page.locator(".change-list li:visible").first).to_contain_text("new 4")
        await expect(page.locator(".change-list li:visible")).to_have_count(20)
        await expect(page.locator(".change-list li:visible").last).to_contain_text("old 14")


async def test_checks_are_filtered_and_stay_so_when_they_change(browser: Browser) -> None:
    room = FakeRoom([check("web-1", "fail"), check("web-2"), check("disk", kind="host")])
    async with Running(room) as running, opened(browser, running.address) as page:
        await page.keyboard.press("/")
        await page.keyboard.type("WEB")
        assert await names(page) == ["web-1", "web-2"]
        await expect(page.locator("output")).to_have_text("2 of 3")
        fail = page.get_by_role("button", name="fail")
        await fail.click()
        await expect(fail).to_have_attribute("aria-pressed", "true")
        assert await names(page) == ["web-1"]
        room.set_state("disk", "fail", "full")
        room.set_state("web-2", "fail", "down")
        await expect(page.locator("#check-web-2")).to_be_visible()
        await expect(page.locator("#check-disk .badge")).to_have_text("fail")
        assert sorted(await names(page)) == ["web-1", "web-2"]
        await expect(page.locator("[data-only=fail]")).to_have_attribute("aria-pressed", "true")
        room.set_state("web-2", "ok", "up")
        await expect(page.locator("#check-web-2")).to_be_hidden()
        await page.locator("#filter").fill("nothing of the kind")
        await expect(page.get_by_text("No check fits the filter.")).to_be_visible()


async def test_a_lost_connection_is_told_and_made_good(browser: Browser) -> None:
    room = FakeRoom([check("alpha"), check("beta")])

    def refused(text: str) -> bool:
        """What a browser and htmx say of a server that is away; the latter prints its event."""
        return text.startswith("Failed to load resource: net::ERR_") or text == "[object Event]"

    running = Running(room)
    async with running, opened(browser, running.address, forgiven=refused) as page:
        await page.locator("#filter").fill("a")
        await running.servers.stop()
        await expect(page.locator("#connection")).to_contain_text("Connection lost")
        room.checks = [check("alpha", "fail"), check("beta"), check("gamma-a")]
        async with Running(room, port=running.port):
            await expect(page.locator("#connection")).to_have_text("Live")
            await expect(page.locator("#check-alpha .badge")).to_have_text("fail")
            await expect(page.locator("#check-gamma-a")).to_be_visible()
            await expect(page.locator("#filter")).to_have_value("a")
            room.set_state("beta", "warn", "slow")
            await expect(page.locator("#check-beta .badge")).to_have_text("warn")


async def test_checks_that_come_and_go_are_fetched(browser: Browser) -> None:
    room = FakeRoom([check("alpha")])
    async with Running(room) as running, opened(browser, running.address) as page:
        room.checks = [check("beta"), check("gamma")]
        room.push(Event("refresh", "checks/refresh.html", {}))
        await expect(page.locator("#check-gamma")).to_be_visible()
        await expect(page.locator("#check-alpha")).to_have_count(0)
        room.set_state("gamma", "fail", "down")
        await expect(page.locator("#check-gamma .badge")).to_have_text("fail")
        assert running.site.listening == 1, "one connection, not two"


async def test_hostile_text_runs_nothing(browser: Browser) -> None:
    room = FakeRoom([check("alpha", sentence=HOSTILE, values=[(HOSTILE, HOSTILE)])], [change(HOSTILE, "ok", "fail", HOSTILE)])
    async with Running(room) as running, opened(browser, running.address) as page:
        room.set_state("alpha", "fail", HOSTILE + "\x1b[2J\u202elive")
        await expect(page.locator("#check-alpha .seen")).to_contain_text("␛[2J")
        assert await page.locator("main img, main script").count() == 0


async def test_times_go_on_by_themselves(browser: Browser) -> None:
    since = (datetime.now(UTC) - timedelta(hours=3, minutes=5)).isoformat()
    room = FakeRoom([check("alpha", since=since, since_words="rendered long ago")])
    async with Running(room) as running, opened(browser, running.address) as page:
        await expect(page.locator(".since time")).to_have_text("for 3 h")


async def test_a_thousand_checks_stay_usable(browser: Browser) -> None:
    room = FakeRoom([check(f"check-{number}") for number in range(1000)])
    async with Running(room) as running, opened(browser, running.address) as page:
        started = asyncio.get_running_loop().time()
        await page.locator("#filter").fill("check-99")
        await expect(page.locator("output")).to_have_text("11 of 1000")
        filtered = asyncio.get_running_loop().time() - started
        await page.locator("#filter").fill("")
        started = asyncio.get_running_loop().time()
        for number in range(1000):
            state = "fail" if number in (500, 999) else "ok"
            room.push(Event(f"check-check-{number}", "checks/check_row.html", {"check": check(f"check-{number}", state, sentence="again")}))
        await expect(page.locator("#check-check-999 .seen")).to_contain_text("again")
        for place in (0, 1):
            await expect(page.locator("#checks tbody tr").nth(place)).to_have_attribute("data-state", "fail")
        updated = asyncio.get_running_loop().time() - started
    print(f"1,000 checks: filtered in {filtered * 1000:.0f} ms, all updated in {updated * 1000:.0f} ms")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_can_be_read_in_both_colour_schemes(browser: Browser, scheme: str) -> None:
    """Every text has the contrast that WCAG 2.2 asks for (1.4.3: 4.5 to 1), measured in the browser; nothing scrolls sideways."""
    room = FakeRoom(
        [check(state, state, accepted=state != "unknown") for state in ("fail", "warn", "unknown", "ok")], [change("a", "ok", "fail")]
    )
    async with Running(room) as running:
        for width in (360, 800, 1500):
            context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
            page = await context.new_page()
            await page.goto(running.address)
            await page.wait_for_selector(LIVE)
            poor = await page.evaluate(CONTRAST)
            assert poor == []
            assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
            await context.close()


CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (colour) => { const [r, g, b] = numbers(colour).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (element) => { for (let e = element; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (c.startsWith("rgb(")) return c; } return "rgb(255, 255, 255)"; };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (!text || !element.checkVisibility() || element.closest("svg")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)} ${text.slice(0, 30)}`);
  }
  return poor;
}"""
