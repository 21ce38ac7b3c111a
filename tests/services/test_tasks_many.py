"""Two thousand tasks: their page stays small, shows what went wrong first, counts the rest, and holds nothing else up."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.serving import Served, operations

TASKS = 2000


def page(server: Served, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
        return str(answer.read().decode())


def test_the_page_of_two_thousand_tasks_is_small_and_holds_nothing_up(tmp_path: Path) -> None:
    lines = [f'  t{number}: {{every: "daily {number % 24:02}:{number % 60:02}"}}' for number in range(TASKS)]
    text = "\n".join(["keepwell: 1", "service: shop", "tasks:", *lines, ""])
    served = Served(operations(tmp_path / "ops", text), tmp_path / "data").ready()
    try:
        with ThreadPoolExecutor(1) as drawing:
            waiting, answered = drawing.submit(page, served, "/tasks"), 0
            while not waiting.done():
                page(served, "/health")
                answered += 1
        said = waiting.result()
        assert answered >= 5, "others are answered while it is drawn"
        assert f"and {TASKS - 100:,} more tasks" in said
        assert said.count('class="name"') == 100
        assert f"and {TASKS - 20:,} more<" in said, "of a day to come, twenty are shown"
        assert len(said) < 400_000
        assert served.get("/health")["services"]["engine"] == "operational"
    finally:
        assert served.stop() == 0
