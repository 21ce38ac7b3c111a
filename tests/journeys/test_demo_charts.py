"""What ``keepwell demo`` leaves as samples is drawn while it runs, and so is a fault."""

import asyncio
import json
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.journeys.charting import legend, opened, pixels
from tests.journeys.test_check_page import LATENCY
from tests.serving import KEEPWELL, environment, keepwell
from tests.support import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@contextmanager
def demonstration(folder: Path) -> Iterator[dict[str, Any]]:
    """A running demonstration without nginx: what it said of itself, and its environment under ``environment``."""
    with tempfile.TemporaryDirectory(prefix="kw", dir="/tmp") as runtime:
        own = {"XDG_RUNTIME_DIR": runtime, "TMPDIR": str(folder)}
        argv = [KEEPWELL, "demo", "--no-front", "--json"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(**own)) as process:
            try:
                assert process.stdout is not None
                said = ""
                while not said.endswith("\n}\n"):
                    line = process.stdout.readline()
                    assert line, said
                    said += line
                told = json.loads(said)
                wait_until(lambda: _answers(told["page"]), 30, "an answer of the demonstration")
                yield {**told, "environment": own}
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def test_the_demonstration_is_drawn(browser: Browser, tmp_path: Path) -> None:
    running = demonstration(tmp_path)
    said = await asyncio.to_thread(running.__enter__)
    try:
        async with opened(browser, f"{said['page']}checks/health", waits=False) as page:
            await expect(page.locator("#live .badge")).to_have_text("ok", timeout=30_000)
            await expect(page.locator(f"{LATENCY} .legend tbody tr")).to_have_count(5, timeout=60_000)
            broken = await asyncio.to_thread(keepwell, "demo", "break", "api-slow", **said["environment"])
            assert broken.returncode == 0, broken.stderr
            await expect(page.locator("#live .badge")).to_have_text("fail", timeout=30_000)
            slow = page.locator(f"{LATENCY} .legend tbody tr").last.locator("[data-what=max]")
            await expect(slow).to_contain_text("8", timeout=60_000)
            await expect(page.locator("[data-spells]")).to_contain_text("fail", timeout=60_000)
            assert await pixels(page, "[data-band]", "--fail-cell") > 10
            shown = await legend(page, LATENCY)
            assert shown["duration_seconds"]["max"].removesuffix(" ms").startswith("8")
            await expect(page.locator(".ranges [aria-current]")).to_have_text("1 h")
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)
