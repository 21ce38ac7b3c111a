"""A real prometheus over a folder of blocks, for tests that ask it what we answer."""

import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import free_port, need, wait_until


@contextmanager
def prometheus_over(blocks: Path, configuration: str = "global: {}\n", web: str = "{}\n") -> Iterator[str]:
    """The running server; its address. Its configurations (``web`` says who may ask) and log lie beside the folder of blocks."""
    port, settings = free_port(), blocks.parent / "prometheus.yml"
    settings.write_text(configuration)
    settings.with_name("web.yml").write_text(web)
    command = [need("prometheus"), f"--config.file={settings}", f"--storage.tsdb.path={blocks}"]
    command += ["--storage.tsdb.retention.time=50y", f"--web.listen-address=127.0.0.1:{port}"]
    command.append(f"--web.config.file={settings.with_name('web.yml')}")
    with (blocks.parent / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until(lambda: _is_ready(port), 60, "an answer of prometheus")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as reply:
            return bool(reply.status == 200)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
