"""Names, routes and other hosts: ``nslookup``, ``ping``, ``nc``, ``ssh`` and their like (their manual pages)."""

import ipaddress
import re
from collections.abc import Callable, Mapping

from keepwell.rooms.manual.importing.filled_words import fill, is_here, knows, look, options, step, understood_behind, whole
from keepwell.rooms.manual.importing.http_words import host_and_port
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_RECORDS = options("A AAAA CAA CNAME DNSKEY DS HTTPS MX NAPTR NS PTR SOA SRV SSHFP TLSA TXT")
_RECORD_FLAGS = {"nslookup": ("-type", "-query", "-querytype", "-q", "-port"), "dig": ("-t", "-x", "-p", "-4", "-6"), "host": ("-t",)}
_SAME_QUESTION = ("-timeout", "-retry", "-debug", "-W", "-v")
_LOOKUPS = ("nslookup", "dig", "host", "getent", "resolvectl")


def _read(view: View) -> Found | None:
    for command in view.pipeline:
        reader = _READERS.get(command.name)
        if reader is not None:
            return reader(view, command)
    return None


# --- names


def _lookup(view: View, command: ShellCommand) -> Found | None:
    names = [word for word in command.operands if not word.filled.startswith(("@", "+"))]
    if command.name in ("getent", "resolvectl"):
        if command.subcommand not in ("hosts", "ahosts", "query"):
            return None
        names = names[1:]
    if not names and command.option("-x") is None:
        return step(view, ("diagnostics", "check.dns"))
    filled = fill(view, *whole(command))
    short = any(word.filled == "+short" for word in command.operands)
    settings: dict[str, object] = {"run": list(filled.texts)}
    if command.name == "dig":  # it ends well whatever the answer is
        settings["expect"] = {"output_matches": r"\S"} if short else {"output_contains": "status: NOERROR"}
    draft = _question(view, command) or CheckDraft("command", settings)
    known = knows(command, ("-t", "-p", "-x", "-4", "-6", "-type", "-port", "-timeout")) and understood_behind(command)
    return look(view, ("check.dns",), "dns.lookup" if known else "", draft, filled)


def _question(view: View, command: ShellCommand) -> CheckDraft | None:
    """The lookup as a check of kind ``dns``. None where the program asks in another way: for a short name, which a search list completes,
    for several names, in another place, or by an option that the kind has not."""
    if command.name not in _RECORD_FLAGS or command.wrapper_words or not knows(command, (*_RECORD_FLAGS[command.name], *_SAME_QUESTION)):
        return None
    texts = [fill(view, word).text for word in command.operands]
    types = [text for text in texts if text.upper() in _RECORDS and (command.name == "dig" or command.has_flag("-t"))]
    record = _record(command) or (types[0].upper() if types else "A")
    rest = [text for text in texts if not text.startswith("+") and text not in types]
    servers = [text.removeprefix("@") for text in rest if text.startswith("@")]
    names = [text for text in rest if not text.startswith("@")]
    if command.name != "dig" and len(names) == 2:
        servers = [names.pop()]
    reverse = command.option("-x")
    names = [fill(view, reverse).text] if reverse is not None else names
    address = len(names) == 1 and _is_address(names[0])
    if len(names) != 1 or len(servers) > 1 or record not in _RECORDS or not (address or "." in names[0].strip(".")):
        return None
    record = "PTR" if address and (reverse is not None or command.name != "dig") else record
    port = command.option("-p", "-port")
    server = f"{servers[0]}:{port.filled.lstrip('=')}" if servers and port is not None else servers[0] if servers else ""
    settings = {"name": names[0], "record": record, "server": server}
    usual = {"record": "A", "server": ""}
    own = {key: value for key, value in settings.items() if usual.get(key) != value}
    return CheckDraft("dns", own, name=f"name {names[0]}{'' if record == 'A' else f' {record}'}")


def _record(command: ShellCommand) -> str:
    """The type of record that an option names: ``-t MX``, ``-type=mx``."""
    value = command.option("-t", "-type", "-query", "-querytype", "-q")
    return value.filled.lstrip("=").upper() if value is not None else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _update(view: View, command: ShellCommand) -> Found:
    known = command.heredoc is not None and knows(command, ("-k", "-v", "-l"))
    away = re.search(r"disaster|fail(?:ing)? ?over|site failure|standby|recover", view.words)
    return step(view, ("failover", "change") if away else ("change", "runbook"), "dns.update" if known else "")


# --- reaching another host


def _ping(view: View, command: ShellCommand) -> Found:
    filled = fill(view, *whole(command))
    known = knows(command, ("-c", "-i", "-w", "-W", "-q", "-n", "-4", "-6", "-s", "-I")) and understood_behind(command)
    operation = "ping" if known else ""
    if not command.has_flag("-c", "-w"):
        return step(view, ("diagnostics", "check.host"), operation, reason="without -c it never ends")
    return look(view, ("check.host", "diagnostics"), operation, CheckDraft("command", {"run": list(filled.texts)}), filled)


def _connect(view: View, command: ShellCommand) -> Found:
    listens = command.has_flag("-l", "-e")
    words = command.operands
    if listens or not words:
        return step(view, ("diagnostics",))
    filled = fill(view, *words[:2])
    address = ":".join(filled.texts) if len(words) > 1 else filled.text if ":" in filled.text else ""
    host, port = host_and_port(address)
    known = knows(command, ("-z", "-v", "-w", "-4", "-6", "-n")) and understood_behind(command)
    draft = CheckDraft("tcp", {"address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"}) if host and is_here(command) else None
    return look(view, ("check.tcp", "check.port"), "tcp.connect" if known and (draft or filled.missing) else "", draft, filled)


def _route(view: View, command: ShellCommand) -> Found:
    known = knows(command, ("-n", "-r", "-c", "-w", "-m", "-q", "-4", "-6", "--report", "-T", "-p"))
    return step(view, ("diagnostics",), command.name if known and understood_behind(command) else "")


def _interfaces(view: View, command: ShellCommand) -> Found:
    verbs = {word.filled for word in command.operands}
    changes = verbs & {"add", "del", "delete", "set", "up", "down", "flush", "replace"}
    if changes:
        return step(view, ("runbook", "change"))
    return step(view, ("diagnostics",), f"{command.name}.show" if understood_behind(command) else "")


def _capture(view: View, command: ShellCommand) -> Found:
    return step(view, ("diagnostics", "incident.evidence"))


# --- another host


def _remote(view: View, command: ShellCommand) -> Found:
    near = f"{view.comment} > {' > '.join(view.item.section[-2:])}".lower()
    if re.search(r"disaster|fail(?:ing)? ?over|site failure|standby", near):
        return step(view, ("failover", "deploy"))
    if re.search(r"deploy|release", near):
        return step(view, ("deploy", "runbook"))
    return step(view, ("runbook", "diagnostics"))


_READERS: Mapping[str, Callable[[View, ShellCommand], Found | None]] = {
    **dict.fromkeys(_LOOKUPS, _lookup),
    "nsupdate": _update,
    **dict.fromkeys(("ping", "ping6"), _ping),
    **dict.fromkeys(("nc", "ncat", "telnet"), _connect),
    **dict.fromkeys(("traceroute", "tracepath", "mtr", "arp", "arping"), _route),
    **dict.fromkeys(("ip", "ifconfig", "route", "ethtool"), _interfaces),
    **dict.fromkeys(("tcpdump", "nmap", "tshark"), _capture),
    "ssh": _remote,
}


RECOGNISER = Recogniser(
    "network",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    tuple(_READERS),
    order=40,
    example="""# Network
```bash
nslookup db.internal
nc -z db.internal 5432
```
""",
)
