"""Reports over SIGKILL: each occasion has one report, every report that is kept is sent, and none is sent under two keys."""

import random
from pathlib import Path

from tests.serving import Served, operations
from tests.support import free_port, wait_until
from tests.webhook_listener import listening

KILLS = 4
CONFIGURATION = """\
keepwell: 1
service: shop
checks:
  disk: {{host: {{mount: /}}, every: 1s}}
receivers:
  hook: {{webhook: {{url: "{url}"}}}}
reports:
  often: {{kind: weekly, period: day, every: 1s, to: [hook]}}
"""


def test_no_report_is_lost_or_made_twice(tmp_path: Path) -> None:
    chance = random.Random(8)
    with listening() as listener:
        directory = operations(tmp_path / "ops", CONFIGURATION.format(url=listener.url))
        port = free_port()
        server = Served(directory, tmp_path / "data", port=port).ready()
        for _ in range(KILLS):
            wanted = len(listener.calls) + chance.randint(1, 3)
            wait_until(lambda wanted=wanted: len(listener.calls) >= wanted, 30, "reports")  # type: ignore[misc]
            server.kill()
            server = Served(directory, tmp_path / "data", port=port).ready()
        made = server.get("/api/v1/reports?limit=500")["reports"]
        kept = {f"report-{one['number']}-1" for one in made}
        wait_until(lambda: kept <= {call.told["key"] for call in list(listener.calls)}, 30, "every report at the receiver")
        server.stop()
        texts: dict[str, set[str]] = {}
        for call in listener.calls:
            texts.setdefault(call.told["key"], set()).add(call.told["letter"]["text"])
    assert len({one["end"] for one in made}) == len(made) >= KILLS - 1
    assert all(len(told) == 1 for told in texts.values())
    assert len({text for told in texts.values() for text in told}) == len(texts)
