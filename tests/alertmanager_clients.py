"""What speaks Alertmanager's API in tests: a running Keepwell with a token for it, Debian's amtool, Debian's alertmanager beside it."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.serving import Served, token_in
from tests.support import free_port, need, wait_until


class Reply(NamedTuple):
    """A status, and the JSON of the body (None where there is none)."""

    status: int
    body: Any


class Api:
    """The API v2 at an address such as ``http://127.0.0.1:9093``; ``token`` for what writes."""

    def __init__(self, address: str, token: str = "") -> None:
        self.address = address
        self.headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}

    def ask(self, method: str, path: str, content: Any = None, seconds: float = 60) -> Reply:
        """One request; ``content`` is sent as JSON unless it is bytes."""
        body = content if isinstance(content, bytes) or content is None else json.dumps(content).encode()
        asked = urllib.request.Request(f"{self.address}/api/v2{path}", body, self.headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=seconds) as answer:
                return Reply(answer.status, _content(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, _content(error.read()))

    def get(self, path: str) -> Any:
        """The body of a question that succeeds."""
        reply = self.ask("GET", path)
        assert reply.status == 200, reply
        return reply.body

    def post_alerts(self, *alerts: Mapping[str, Any]) -> None:
        """Posts alerts; they are taken."""
        reply = self.ask("POST", "/alerts", list(alerts))
        assert reply.status == 200, reply

    def names(self, query: str = "") -> list[str]:
        """The names of the alerts that it lists, sorted."""
        return sorted(alert["labels"]["alertname"] for alert in self.get(f"/alerts{query}"))


def _content(body: bytes) -> Any:
    return json.loads(body) if body else None


def told(name: str, ends: timedelta | None = None, **labels: str) -> dict[str, Any]:
    """An alert to post; ``ends`` from now on, below zero for one that is resolved."""
    end = {} if ends is None else {"endsAt": (datetime.now(UTC) + ends).isoformat()}
    return {"labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name} it is"}, **end}


def api_of(server: Served) -> Api:
    """The API of a running Keepwell, with a token that may write."""
    return Api(f"http://127.0.0.1:{server.port}/alertmanager", token_of(server))


def token_of(server: Served, name: str = "alerts") -> str:
    """A new token that may post alerts and silences."""
    return token_in(server.data, "alerts.write", name=name)


class Amtool:
    """Debian's amtool, told by its own files where to speak to and which token to send."""

    def __init__(self, folder: Path, server: Served) -> None:
        self._program = need("amtool")
        secret, client = folder / "amtool.token", folder / "amtool-http.yml"
        secret.touch(0o600)
        secret.write_text(token_of(server, "amtool"))
        client.write_text(f"authorization: {{type: Bearer, credentials_file: {secret}}}\n")
        self._always = [f"--alertmanager.url=http://127.0.0.1:{server.port}/alertmanager", f"--http.config.file={client}"]
        self._folder = folder

    def try_(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs it, whatever comes of it."""
        env = {**os.environ, "HOME": str(self._folder)}
        command = [self._program, *arguments, *self._always, "--no-version-check"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)

    def __call__(self, *arguments: str) -> str:
        """What it prints; it must succeed."""
        ran = self.try_(*arguments)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return ran.stdout

    def json(self, *arguments: str) -> Any:
        """The same as JSON."""
        return json.loads(self(*arguments, "--output=json"))


@contextmanager
def alertmanager(folder: Path, configuration: str) -> Iterator[Api]:
    """Debian's alertmanager, alone, for the length of a ``with``."""
    port, settings = free_port(), folder / "alertmanager.yml"
    settings.write_text(configuration)
    command = [need("prometheus-alertmanager"), f"--config.file={settings}", f"--storage.path={folder / 'alertmanager'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            api = Api(f"http://127.0.0.1:{port}")
            wait_until(lambda: _answers(api), 60, "an answer of alertmanager")
            yield api
        finally:
            process.terminate()
            process.wait(30)


def _answers(api: Api) -> bool:
    try:
        return api.ask("GET", "/status", seconds=5).status == 200
    except OSError:
        return False


def configured(hook: str, routes: str = "{group_by: [alertname], group_wait: 0s, group_interval: 1s}", more: Sequence[str] = ()) -> str:
    """A keepwell.yaml with one webhook receiver, ``ops``."""
    lines = ["keepwell: 1", "service: shop", "receivers:", f"  ops: {{webhook: {{url: {hook}}}}}", f"routes: {routes}", *more]
    return "\n".join(lines) + "\n"
