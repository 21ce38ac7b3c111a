"""Which faults a check must show, and with which words: from its kind and settings alone. Pure.

A right sentence names the matter. The words are regular expressions over it; what a server of the operated host is called by the checks
(``localhost:3001``) is told by ``SERVERS``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault of the operated host, and the words of which a right sentence holds one."""

    fault: str
    words: str


@dataclass(frozen=True, slots=True)
class Server:
    """What can happen to a server: ``faults`` concern every question to it, ``slow`` those with limits on time, ``json`` those that expect
    a value at a path that holds the word."""

    faults: tuple[Injection, ...]
    slow: str = ""
    json: Mapping[str, Injection] = field(default_factory=dict)


_AUDIO = Server(
    (Injection("audio-stopped", "refused"), Injection("audio-errors", "answered 500")),
    "audio-slow",
    {
        "status": Injection("audio-broken", '"degraded"'),
        "audio": Injection("audio-broken", r'audio is "unavailable"'),
        "devices": Injection("devices-gone", r'devices is "unavailable"'),
        "network": Injection("network-broken", r'network is "unavailable"'),
        "memory": Injection("memory-leak", r"memory\w* is \d+"),
    },
)
_API = Server(
    (
        Injection("api-down", "answered 502"),
        Injection("api-errors", "answered 500"),
        Injection("api-status-down", 'answered 503|"DOWN"'),
        Injection("database-down", 'answered 503|"DOWN"'),
        Injection("cache-down", 'answered 503|"DOWN"'),
        Injection("front-stopped", "refused"),
    ),
    "api-slow",
)
_TRANSCRIPTION = Server(
    (
        Injection("transcription-down", "answered 502"),
        Injection("database-down", 'answered 503|"unhealthy"'),
        Injection("database-full", 'answered 503|"unhealthy"'),
        Injection("front-stopped", "refused"),
    ),
    "transcription-slow",
)
_PROMETHEUS = Server((Injection("prometheus-stopped", "refused"),))
_ALERTMANAGER = Server((Injection("alertmanager-stopped", "refused"),))
_DATABASE = Server((Injection("database-down", "refused"),))
_CACHE = Server((Injection("cache-down", "refused"),))
_FRONT = Server((Injection("front-stopped", "refused"),))

SERVERS = (
    (r"(localhost|127\.0\.0\.1):3001", _AUDIO),
    (r"api\.[\w.]+:80", _API),
    (r"transcription\.[\w.]+:80", _TRANSCRIPTION),
    (r"prometheus:9090", _PROMETHEUS),
    (r"alertmanager:9093", _ALERTMANAGER),
    (r"[\w.-]+:5432", _DATABASE),
    (r"[\w.-]+:6379", _CACHE),
    (r"[\w.-]+:(80|443)", _FRONT),
)

COMMANDS = (
    (r"^systemctl .*\baudiodeck", Injection("audio-stopped", "status 3|inactive")),
    (r"^psql\b", Injection("database-down", "refused")),
    (r"^psql\b", Injection("database-full", "connection slots|too many clients")),
    (r"^pg_isready\b", Injection("database-down", "no response")),
    (r"^apt\b.*--upgradable", Injection("security-update", "-security")),
    (r"^find (?P<path>/\S+) .*-perm", Injection("world-writable", r"devices\.json")),
    (r"^getent passwd audiodeck", Injection("account-gone", "getent passwd audiodeck.* status 2")),
    (r"^ls\b.* (?P<path>/\S+?)/?$", Injection("folder-gone {path}", "No such file")),
    (r"^test -[fe] (?P<path>/\S+)", Injection("file-gone {path}", "{path}.* status 1")),
    (r"^(netstat|ss)\b.*-t?l.*audiodeck-server|^(netstat|ss)\b.*-\w*l\w*p", Injection("audio-stopped", "audiodeck-server")),
    (r"authentication failed.* (?P<path>/\S+)$", Injection("refused-logins {path}", "authentication failed|expected|above")),
    (r"^(nslookup|dig|host) ", Injection("names-stopped", "^.(nslookup|dig|host) .* status")),
    (r"^(nslookup|host) ", Injection("names-forgotten", "^.(nslookup|host) .* status 1")),
    (r"^redis-cli\b", Injection("cache-down", "refused")),
)

CANNOT_BE_MET = (
    (r"\bdocker\b|docker-compose", "no Docker daemon runs in a host of this kind"),
    (r"\bkubectl\b|\boc\b|^kubernetes$", "no Kubernetes cluster can be started here"),
    (r"\btrivy\b|\bgrype\b", "no scanner is installed"),
    (r"\baws\b", "no object store runs in the host"),
    (r"\bjmap\b|\bjstat\b|\bjava\b", "the stand-in services are no Java programs"),
    (r"/var/log/auth\.log", "the host keeps its log in the journal alone"),
)


_OTHERS = ("docker", "kubernetes")
"""Kinds that ask what is told by their name."""


def command_text(settings: Mapping[str, Any]) -> str:
    """The command of a check as one line."""
    return " ".join(map(str, settings["run"])) if "run" in settings else str(settings.get("shell", ""))


def why_not(kind: str, settings: Mapping[str, Any]) -> str:
    """Why the laboratory has nothing that a check could meet; empty where it has."""
    text = command_text(settings) if kind == "command" else kind if kind in _OTHERS else ""
    text = text or str(settings.get("match") or settings.get("name") or "")
    return next((reason for pattern, reason in CANNOT_BE_MET if re.search(pattern, text)), "")


def judges_nothing(kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether it is a count of connections without a limit: the manual gives none."""
    return kind == "command" and "value" not in settings and re.search(r"\|\s*wc -l\s*$", command_text(settings)) is not None


def injections(kind: str, settings: Mapping[str, Any], base: str) -> tuple[Injection, ...]:
    """The faults that a check must show. ``base`` is the address of its target."""
    return tuple(dict.fromkeys(_KINDS[kind](settings, base))) if kind in _KINDS else ()


def _server(address: str) -> Server | None:
    return next((server for pattern, server in SERVERS if re.fullmatch(pattern, address)), None)


def _of_http(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    url = urlsplit(settings.get("url") or base)
    server = _server(f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}")
    if server is None:
        return
    yield from server.faults
    limit = _number(settings.get("fail")) or _number(settings.get("warn"))
    if server.slow and limit:
        yield Injection(server.slow, rf"(warn|fail) above {limit}\b")
    for path in (key.removeprefix("json.") for key in settings.get("expect", {}) if key.startswith("json.")):
        yield from (injection for word, injection in server.json.items() if word in path.lower().rpartition(".")[2])


def _of_tcp(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    server = _server(settings.get("address") or urlsplit(base).netloc)
    yield from (injection for injection in (server.faults if server else ()) if "refused" in injection.words)


def _of_prometheus(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    yield Injection("prometheus-stopped", "refused")
    if settings.get("no_data") == "fail":
        yield Injection("prometheus-empty", "gives no data")


def _of_alertmanager(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    yield Injection("alertmanager-stopped", "refused")
    yield Injection("alert-active", "1 alert is active .*QueueGrows")


def _of_file(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    path = str(settings["path"])
    if "world_writable" in settings:
        yield Injection("world-writable", r"can be written by every user.*devices\.json")
    else:
        folder = settings.get("type") == "directory" or "newest" in settings
        yield Injection(f"{'folder' if folder else 'file'}-gone {path}", f"{re.escape(path)} does not exist")


def _of_updates(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    yield Injection("security-update", "1 security update is pending.*hostname")


def _of_dns(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    yield Injection("names-forgotten", "does not exist|no A record|expected a record")
    if settings.get("server"):  # that the host's own name servers are silent says nothing of the name: unknown
        yield Injection("names-stopped", "refused|no answer")


def _of_redis(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    yield Injection("cache-down", "refused")


def _of_tls(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    if "file" in settings:
        yield Injection(f"file-gone {settings['file']}", "No such file|does not exist")
        return
    yield Injection("certificate-expired", "expired")
    yield Injection("front-stopped", "refused")


def _of_host(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    if "mount" in settings:
        yield Injection(f"disk-full {settings['mount']}", "full .*(warn|fail) above")
    if "memory" in settings:
        yield Injection("memory-short", "memory is .*(warn|fail) above")
    if "cpu" in settings:
        yield Injection("runaway-worker", "busy .*(warn|fail) above")


def _of_process(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    if "audiodeck-server" not in str(settings.get("match") or settings.get("name")):
        return
    yield Injection("audio-stopped", "no process")
    if "memory" in settings:
        yield Injection("memory-leak", "resident, (warn|fail) above")
    if "cpu" in settings:
        yield Injection("runaway-worker", "of a processor is used, (warn|fail) above")


def _of_command(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    text = command_text(settings)
    for pattern, injection in COMMANDS:
        match = re.search(pattern, text)
        if match:
            parts = match.groupdict()
            path = parts.get("path", "").rstrip("/")
            yield Injection(injection.fault.replace("{path}", path), injection.words.replace("{path}", re.escape(path)))


def _of_postgres(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    yield Injection("database-down", "refused")
    yield Injection("database-full", "connection slots|too many clients")


def _of_systemd(settings: Mapping[str, Any], base: str) -> Iterator[Injection]:
    if str(settings.get("unit")).removesuffix(".service") == "audiodeck":
        yield Injection("audio-stopped", "audiodeck.*inactive")


_KINDS = {
    "alertmanager": _of_alertmanager,
    "dns": _of_dns,
    "file": _of_file,
    "prometheus": _of_prometheus,
    "redis": _of_redis,
    "updates": _of_updates,
    "http": _of_http,
    "tcp": _of_tcp,
    "tls": _of_tls,
    "host": _of_host,
    "process": _of_process,
    "command": _of_command,
    "postgres": _of_postgres,
    "systemd": _of_systemd,
}


def _number(limit: object) -> str:
    """The number of a limit such as ``> 500ms``."""
    match = re.search(r"[0-9]+(?:\.[0-9]+)?", str(limit or ""))
    return match[0] if match else ""
