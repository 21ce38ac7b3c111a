"""Debian's prometheus and victoria-metrics, started for a benchmark of samples: fed, asked, weighed."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode

from bench.checks import free_port
from bench.scene import program


@dataclass(frozen=True, slots=True)
class Rival:
    """A running store: its process, port, folder, and where it takes remote write."""

    name: str
    pid: int
    port: int
    folder: Path
    write_path: str

    def feed(self, body: bytes) -> None:
        """Hands it one body of remote write. Raises where it refuses."""
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.write_path}", body, headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()

    def ask(self, path: str, **parameters: object) -> object:
        """The ``data`` of its answer to a question of Prometheus' HTTP API."""
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=120) as answer:
            return json.load(answer)["data"]

    def bytes_on_disk(self) -> int:
        """What its folder takes."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


@contextmanager
def prometheus(folder: Path, scrape: str = "") -> Iterator[Rival]:
    """A prometheus that takes remote write and scrapes what ``scrape`` (YAML of scrape_configs) says."""
    folder.mkdir(parents=True)
    configuration, port = folder / "prometheus.yml", free_port()
    configuration.write_text(f"global: {{scrape_interval: 10s}}\n{scrape}")
    argv = [program("prometheus"), f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=90d"]
    with _running([*argv, "--query.max-samples=500000000", "--log.level=error"], port) as pid:
        yield Rival("prometheus", pid, port, folder / "data", "/api/v1/write")


@contextmanager
def victoria_metrics(folder: Path, scrape: str = "") -> Iterator[Rival]:
    """A single-node VictoriaMetrics, likewise."""
    folder.mkdir(parents=True)
    configuration, port = folder / "scrape.yml", free_port()
    configuration.write_text(f"global: {{scrape_interval: 10s}}\n{scrape}")
    argv = [program("victoria-metrics"), f"-storageDataPath={folder / 'data'}", f"-httpListenAddr=127.0.0.1:{port}"]
    argv += ["-retentionPeriod=90d", "-search.latencyOffset=0s", "-search.maxPointsPerTimeseries=100000", "-loggerLevel=ERROR"]
    argv += ["-search.maxUniqueTimeseries=1000000", f"-promscrape.config={configuration}", "-search.disableCache"]
    with _running(argv, port) as pid:
        yield Rival("victoria-metrics", pid, port, folder / "data", "/api/v1/write")


@contextmanager
def _running(argv: list[str], port: int) -> Iterator[int]:
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5):
                    break
            except (URLError, OSError):
                if server.poll() is not None:
                    raise SystemExit(f"{argv[0]} ended at once: {' '.join(argv)}") from None
                time.sleep(0.1)
        yield server.pid
    finally:
        server.terminate()
        server.wait(120)
