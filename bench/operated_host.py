"""A host in which the services of two manuals really run, under the names that the manuals give them, and can be broken.

It is a systemd host of its own (tests/systemd_host.py): unit, ports, names, folders and accounts stand in it as the manuals write them, and
are forgotten with it. Root only. The checkout must not lie below /tmp or /run, which the host has for itself.
"""

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.host_faults import PUBLISH, SHELL
from bench.measure import KEEPWELL
from keepwell.demo.laboratory.certificates import write_certificates
from keepwell.demo.laboratory.sound import write_tone
from tests.support import need, wait_until
from tests.systemd_host import SystemdHost, booted

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = "speech.test"
"""What stands for yourdomain.com."""

_NAMES = f"127.0.0.1 localhost api.{DOMAIN} transcription.{DOMAIN} postgres-host prometheus alertmanager\n"
_SOURCES = "deb [trusted=yes] file:/srv/security ./\n"
_ROOMY = ("/opt/audiodeck", "/var/log/audiodeck", "/var/lib/postgresql/data")
_AUDIO_UNIT = """\
[Service]
Environment=PYTHONHOME={home} PYTHONPATH={path}
ExecStart=@{python} audiodeck-server /opt/audiodeck/audiodeck-server --folder /opt/audiodeck --port 3001 --parent 1 --leak 320000000
"""
_AUDIO_LAUNCHER = "from keepwell.demo.laboratory.server import main\n\nmain()\n"
_NGINX = f"""\
daemon off;
error_log stderr;
pid /run/front.pid;
user root;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:80;
        listen 127.0.0.1:443 ssl;
        server_name api.{DOMAIN};
        ssl_certificate /srv/tls/current.pem;
        ssl_certificate_key /srv/tls/front.key;
        location / {{ proxy_pass http://127.0.0.1:8080; }}
    }}
    server {{
        listen 127.0.0.1:80;
        server_name transcription.{DOMAIN};
        location / {{ proxy_pass http://127.0.0.1:8000; }}
    }}
}}
"""
_PROMETHEUS = """\
global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: api, metrics_path: /actuator/prometheus, static_configs: [{targets: ["127.0.0.1:8080"]}]}
  - {job_name: transcription, static_configs: [{targets: ["127.0.0.1:8000"]}]}
  - {job_name: node, static_configs: [{targets: ["127.0.0.1:9100"]}]}
"""
_ALERTMANAGER = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
_HISTORY_DAYS = 3


class OperatedHost:
    """The running host. ``speech`` is the laboratory's speech-to-text pair in it, spoken to by lines."""

    def __init__(self, host: SystemdHost, speech: "Lines") -> None:
        self.host = host
        self._speech = speech

    def shell(self, text: str) -> None:
        """Runs shell text in the host; a failure of it is an error."""
        self.host.run("bash", "-euc", text)

    def break_(self, fault: str) -> None:
        """Brings a fault about: one of host_faults.SHELL, or one of the speech laboratory."""
        self._change("break", fault)

    def repair(self, fault: str) -> None:
        """Ends it."""
        self._change("repair", fault)

    def submit(self, jobs: int) -> None:
        """Sends sounds to the API service."""
        self._speech.ask(f"submit {jobs}")

    def _change(self, what: str, fault: str) -> None:
        name, _, argument = fault.partition(" ")
        if name in SHELL:
            text = SHELL[name].breaks if what == "break" else SHELL[name].repairs
            self.host.run("bash", "-euc", text, "fault", argument)
        else:
            answer = self._speech.ask(f"{what} {fault}")
            assert "problem" not in answer, answer

    @contextmanager
    def observer(self, directories: dict[str, dict[str, str]]) -> Iterator["Lines"]:
        """The observer over operations directories (their files by name), written and accepted as a user would."""
        for name, files in directories.items():
            for path, text in files.items():
                self.host.write(f"/srv/operations/{name}/{path}", text)
            self.host.run(KEEPWELL, "accept", f"/srv/operations/{name}", "--yes")
        folders = [f"/srv/operations/{name}" for name in directories]
        with Lines.of(self.host, sys.executable, "-m", "bench.observer", *folders) as lines:
            yield lines


class Lines:
    """A program in the host that answers each line with a line of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def of(cls, host: SystemdHost, *argv: str) -> Iterator["Lines"]:
        """Starts it below the checkout, and ends it by ending its input."""
        command = host.command("env", "-C", str(ROOT), *argv)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield cls(process)
            finally:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(30)

    def read(self) -> Any:
        """The next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the program in the host ended"
        return json.loads(line)

    def ask(self, line: str) -> Any:
        """Writes a line and reads the answer."""
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        return self.read()


@contextmanager
def operated_host() -> Iterator[OperatedHost]:
    """Boots it and starts everything; takes about ten seconds. Skips (pytest) where this machine cannot do it."""
    for program in (
        "postgres",
        "redis-server",
        "nginx",
        "prometheus",
        "prometheus-alertmanager",
        "prometheus-node-exporter",
        "dnsmasq",
        "nslookup",
    ):
        need(program)
    with ExitStack() as stack:
        host = stack.enter_context(booted("operated"))
        host.run("bash", "-c", "cat >> /etc/hosts", text=_NAMES)
        _make_names(host)
        for place in _ROOMY:
            host.run("mkdir", "-p", place)
            host.run("mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", place)
        _make_audio(host)
        _make_packages(host)
        _make_backups(host)
        ports = ("--api", "8080", "--transcription", "8000", "--database", "5432", "--cache", "6379")
        speech = stack.enter_context(Lines.of(host, sys.executable, "-m", "lab.speech", *ports))
        speech.read()
        _make_front(host)
        _make_monitoring(host)
        operated = OperatedHost(host, speech)
        wait_until(lambda: _scraped(host), 30, "figures of every service")
        for _ in range(3):  # so that Prometheus sees them arrive
            operated.submit(1)
            time.sleep(1.5)
        yield operated


def _make_names(host: SystemdHost) -> None:
    """A name server that knows the same names."""
    host.write("/srv/names", _NAMES)
    listen = ("--port=53", "--listen-address=127.0.0.1", "--bind-interfaces", f"--local=/{DOMAIN}/")
    _unit(host, "names", "dnsmasq", "-k", "-C", "/dev/null", "-u", "root", "--no-resolv", "--no-hosts", "--addn-hosts=/srv/names", *listen)
    host.run("rm", "-f", "/etc/resolv.conf")
    host.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")


def _make_audio(host: SystemdHost) -> None:
    """The audio server as a unit, with its account, folders and logs."""
    host.run("useradd", "--system", "audiodeck")
    for name in ("audio", "config", "faults", "logs", "run"):
        host.run("mkdir", "-p", f"/opt/audiodeck/{name}")
    with TemporaryDirectory() as folder:
        write_tone(Path(folder) / "tone.wav")
        host.copy_in(Path(folder), "/opt/audiodeck/audio")
    host.write("/opt/audiodeck/devices.json", '[{"name": "left", "channel": 1}]')
    host.write("/opt/audiodeck/audiodeck-server", _AUDIO_LAUNCHER)
    for name in ("application", "error", "health", "metrics"):
        host.write(f"/var/log/audiodeck/{name}.log", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} INFO started\n")
    # With a name of its own as its zeroth argument, Python does not find the environment that it stands in.
    path = ":".join((sysconfig.get_path("purelib"), str(ROOT / "src")))
    host.write("/etc/systemd/system/audiodeck.service", _AUDIO_UNIT.format(home=sys.base_prefix, path=path, python=sys.executable))
    host.systemctl("start", "audiodeck")


def _make_packages(host: SystemdHost) -> None:
    """A source of packages that has nothing new yet."""
    host.run("bash", "-c", "rm -rf /etc/apt/sources.list.d /var/lib/apt/lists/*")
    host.write("/etc/apt/sources.list", _SOURCES)
    host.write("/srv/security/Packages", "")
    host.write("/srv/publish", PUBLISH)
    host.run("bash", "-eu", "/srv/publish")


def _make_backups(host: SystemdHost) -> None:
    """A backup of this night, and the mark that it went well."""
    host.write("/backups/latest.success", f"{datetime.now(UTC):%Y%m%d_%H%M%S}\n")
    for place in ("/backups/postgresql/backup.sql.gz", "/backup/audiodeck/audiodeck-backup-1.tar.gz"):
        host.write(place, "")
        host.run("bash", "-c", 'echo kept | gzip > "$0"', place)


def _make_front(host: SystemdHost) -> None:
    """nginx before both speech services, with a certificate that this host trusts."""
    with TemporaryDirectory() as folder:
        write_certificates(Path(folder), datetime.now(UTC), (f"api.{DOMAIN}", f"transcription.{DOMAIN}"))
        host.copy_in(Path(folder), "/srv/tls")
    host.run("bash", "-c", "cp /srv/tls/valid.pem /srv/tls/current.pem; cat /srv/tls/ca.pem >> /etc/ssl/certs/ca-certificates.crt")
    host.write("/srv/front.conf", _NGINX)
    _unit(host, "front", need("nginx"), "-c", "/srv/front.conf")


def _make_monitoring(host: SystemdHost) -> None:
    """Prometheus with some days behind it, a node exporter for it, and Alertmanager."""
    host.write("/srv/prometheus.yml", _PROMETHEUS)
    host.write("/srv/prometheus-empty.yml", "{}\n")
    host.write("/srv/alertmanager.yml", _ALERTMANAGER)
    host.write("/srv/history", _history(int(datetime.now(UTC).timestamp())))
    host.run("promtool", "tsdb", "create-blocks-from", "openmetrics", "/srv/history", "/srv/prometheus")
    _unit(host, "node-exporter", "prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100")
    listen = "--web.listen-address=127.0.0.1:9090"
    _unit(host, "prometheus", "prometheus", "--config.file=/srv/prometheus.yml", "--storage.tsdb.path=/srv/prometheus", listen)
    addresses = ("--web.listen-address=127.0.0.1:9093", "--cluster.listen-address=")
    _unit(host, "alertmanager", "prometheus-alertmanager", "--config.file=/srv/alertmanager.yml", "--storage.path=/srv/alerts", *addresses)
    for port in (9090, 9093):
        wait_until(lambda port=port: _ready(host, port), 30, f"an answer of port {port}")  # type: ignore[misc]


def _history(now: int) -> str:
    """Requests of the last days, one sample in ten minutes, in the format of OpenMetrics."""
    times = range(now - _HISTORY_DAYS * 86400, now - 3600, 600)
    samples = [f'http_requests_total{{job="api",path="/"}} {number * 60} {time}' for number, time in enumerate(times)]
    return "\n".join(("# TYPE http_requests counter", *samples, "# EOF\n"))


def _ready(host: SystemdHost, port: int) -> bool:
    return host.run("curl", "-fsS", f"http://127.0.0.1:{port}/-/ready", check=False).returncode == 0


def _scraped(host: SystemdHost) -> bool:
    answer = host.run("curl", "-fsS", "http://127.0.0.1:9090/api/v1/query?query=sum(up)", check=False).stdout
    return '"3"]' in answer


def _unit(host: SystemdHost, name: str, *argv: str) -> None:
    """A program as a unit of the host that can be stopped and started; its name is none that a package has taken."""
    host.write(f"/etc/systemd/system/lab-{name}.service", f"[Service]\nExecStart={' '.join((need(argv[0]), *argv[1:]))}\n")
    host.systemctl("start", f"lab-{name}")
