"""The pages of runbooks and runs in a real browser: a run is followed live, ticked and approved; hostile text stays text."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys.test_alerts_pages import EVIL, give_token, opened
from tests.journeys.test_page_checks import CONTRAST
from tests.runs_served import Runs, running
from tests.serving import keepwell

WAITS = """\
# Morning round

```sh {{"name": "prints"}}
echo 'first line {evil}'
while [ ! -e {folder}/go ]; do sleep 0.05; done
echo last line
```

- [ ] Look at the dashboard

```sh {{"name": "clears", "verify": "test -e {folder}/cleared"}}
rm -f {folder}/nothing; touch {folder}/cleared
```
"""


@asynccontextmanager
async def served(folder: Path, runbooks: Mapping[str, str], settings: str) -> AsyncIterator[Runs]:
    """A server, started and stopped beside the loop."""
    context = running(folder, runbooks, settings)
    runs = await asyncio.to_thread(context.__enter__)
    try:
        yield runs
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def token(runs: Runs, name: str) -> str:
    """A token of somebody who may run and approve."""
    asked = (
        "token",
        "create",
        name,
        "--permission",
        "runbooks.run",
        "--permission",
        "runbooks.approve",
        "--data",
        str(runs.data),
        "--json",
    )
    return str(json.loads(keepwell(*asked).stdout)["token"])


async def press(page: Page, button: str, dialog: str) -> None:
    """Presses a button and confirms its dialog."""
    await page.get_by_role("button", name=button).first.click()
    await page.locator(f"#{dialog} .main").click()


async def test_a_run_is_followed_ticked_and_approved(tmp_path: Path, browser: Browser) -> None:
    text = WAITS.format(folder=tmp_path, evil=EVIL.replace("'", ""))
    async with served(tmp_path, {"round": text}, "policy: {destructive: approve}\n") as runs:
        number = await asyncio.to_thread(runs.begin, "round")
        address = f"http://127.0.0.1:{runs.server.port}"
        async with opened(browser, f"{address}/runs/{number}") as page:
            await expect(page.locator(".steps li").first.locator("pre").first).to_contain_text("first line")
            (tmp_path / "go").touch()
            await expect(page.locator(".steps li").first.locator("pre").first).to_contain_text("last line")
            await expect(page.locator(".steps li").first).to_contain_text("done")
            await page.get_by_role("button", name="Tick Look at the dashboard").click()
            await page.locator("#tick textarea").fill("all green")
            await page.locator("#tick .main").click()
            await give_token(page, await asyncio.to_thread(token, runs, "anna"))
            await expect(page.locator(".steps li").nth(1)).to_contain_text("all green")
            await expect(page.locator(".sentence")).to_contain_text("it deletes files")
            async with page.expect_request("**/api/v1/approvals/*") as asked:
                await press(page, "Approve", "approve")
            assert len((await asked.value).post_data_json["digest"]) == 64  # of the text that stood there
            await expect(page.locator("h1")).to_contain_text("done")
            assert await page.evaluate("window.hacked") is None
        told = await asyncio.to_thread(runs.show, number)
        assert told["steps"][1]["by"] == "anna"


async def test_a_runbook_is_run_from_its_page(tmp_path: Path, browser: Browser) -> None:
    text = '```sh {"name": "clears"}\nrm -f ' + str(tmp_path / "nothing") + "\n```\n"
    async with served(tmp_path, {"clear": text}, "policy: {destructive: confirm}\n") as runs:
        async with opened(browser, f"http://127.0.0.1:{runs.server.port}/runbooks/clear") as page:
            await expect(page.locator("#live")).to_contain_text("It was never run.")
            await page.get_by_role("button", name="Run").click()
            await page.locator("#run input[type=checkbox]").check()
            await page.locator("#run .main").click()
            await give_token(page, await asyncio.to_thread(token, runs, "anna"))
            await expect(page.locator("#live .badge.ok")).to_have_text("done")
        assert (await asyncio.to_thread(runs.show, 1))["by"] == "anna"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_can_be_read_in_light_and_dark_and_on_a_telephone(tmp_path: Path, browser: Browser, scheme: str) -> None:
    books = {"fails": '```sh {"name": "' + "x" * 90 + '"}\necho ' + "y" * 300 + "\nfalse\n```\n", "round": "- [ ] Look\n"}
    async with served(tmp_path, books, "policy: {destructive: allow}\n") as runs:
        await asyncio.to_thread(runs.run, "fails")
        await asyncio.to_thread(runs.run, "round")
        address = f"http://127.0.0.1:{runs.server.port}"
        for path in ("/runbooks", "/runs", "/runs/1", "/runs/2", "/runbooks/fails"):
            for width in (360, 1280):
                settings = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
                async with opened(browser, address + path, **settings) as page:
                    await page.screenshot(path=tmp_path / f"{scheme}-{width}{path.replace('/', '-')}.png", full_page=True)
                    assert await page.evaluate(CONTRAST) == []
