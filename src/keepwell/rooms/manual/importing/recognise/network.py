"""Names, ports, routes and packet filters: ``nslookup``, ``ss``, ``nc``, ``ping``, ``iptables`` and their like (their manual pages)."""

import re
from collections.abc import Callable, Mapping

from keepwell.rooms.manual.importing.filled_words import Filled, fill, is_here, knows, options, step, to_file, understood_behind, whole
from keepwell.rooms.manual.importing.http_words import host_and_port
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_LOOKUPS = ("nslookup", "dig", "host", "getent", "resolvectl")
_SOCKETS = ("netstat", "ss", "lsof")
_SECURITY = re.compile(r"secur|audit|unusual|suspicious|intrusion|firewall|open ports|hardening")
_FAMILY_FLAGS = frozenset(
    ("-a", "-l", "-n", "-t", "-u", "-p", "-e", "-4", "-6", "-H", "-s", "-o", "-i", "-r", "-x", "-W", "-P", "--listening")
)
_LISTS = frozenset(("-L", "-S", "-n", "-v", "-t", "--list", "--list-rules", "--line-numbers", "-x"))
_CHANGES_RULES = frozenset(
    ("-A", "-I", "-D", "-R", "-F", "-P", "-N", "-X", "-Z", "--append", "--insert", "--delete", "--flush", "--policy")
)
_RULE = options(
    "-s -d -p -j -i -o -m -t --source --destination --protocol --jump --match --dport --sport --dports --sports --state --ctstate --limit"
    " --to-destination --to-ports -w -n --comment"
)


def _read(view: View) -> Found | None:
    for command in view.pipeline:
        reader = _READERS.get(command.name)
        if reader is not None:
            return reader(view, command)
    return None


def _check(
    view: View,
    capabilities: tuple[str, ...],
    operation: str,
    draft: CheckDraft | None,
    filled: Filled,
) -> Found:
    disposition = Disposition.MISSING if filled.missing else Disposition.CARRIED
    drafts = (draft,) if draft is not None and filled.static else ()
    return Found(Fate.CHECK, capabilities, operation, drafts, disposition, missing=filled.missing)


# --- names


def _lookup(view: View, command: ShellCommand) -> Found | None:
    names = [word for word in command.operands if not word.filled.startswith(("@", "+"))]
    if command.name in ("getent", "resolvectl"):
        if command.subcommand not in ("hosts", "ahosts", "query"):
            return None
        names = names[1:]
    if not names:
        return step(view, ("diagnostics", "check.dns"))
    filled = fill(view, *whole(command))
    short = any(word.filled == "+short" for word in command.operands)
    settings: dict[str, object] = {"run": list(filled.texts)}
    if command.name == "dig":  # it ends well whatever the answer is
        settings["expect"] = {"output_matches": r"\S"} if short else {"output_contains": "status: NOERROR"}
    known = knows(command, ("-t", "-p", "-x", "-4", "-6", "-type", "-port", "-timeout")) and understood_behind(command)
    return _check(view, ("check.dns",), "dns.lookup" if known else "", CheckDraft("command", settings), filled)


def _update(view: View, command: ShellCommand) -> Found:
    known = command.heredoc is not None and knows(command, ("-k", "-v", "-l"))
    away = re.search(r"disaster|fail(?:ing)? ?over|site failure|standby|recover", view.words)
    return step(view, ("failover", "change") if away else ("change", "runbook"), "dns.update" if known else "")


# --- sockets


def _sockets(view: View, command: ShellCommand) -> Found:
    known = all(flag in _FAMILY_FLAGS or flag == "-c" for flag in command.flags) and understood_behind(command)
    if command.name == "lsof":
        return _open_files(view, command)
    operation = f"{command.name}.list" if known else ""
    security = bool(_SECURITY.search(view.words))
    counts = any(other.name == "wc" or (other.name == "grep" and other.has_flag("-c")) for other in command.pipeline)
    if counts:
        return _counted(view, command, operation, security)
    if to_file(command):
        evidence = re.search(r"incident|evidence|forensic", view.words + command.pipeline[-1].text.lower())
        return step(
            view, ("security.network",) if security else ("incident.evidence", "check.port") if evidence else ("diagnostics",), operation
        )
    searched = next((other for other in command.pipeline if other.name in ("grep", "egrep") and not other.has_flag("-v")), None)
    if searched is None or command.has_flag("-i", "-r", "-s"):
        return step(view, ("security.network", "diagnostics") if security else ("diagnostics", "check.port"), operation)
    port = _port_of(view, searched.operands[0].filled if searched.operands else "")
    capabilities = ("security.network", "check.port") if security else ("check.port",)
    draft = CheckDraft("tcp", {"address": f"127.0.0.1:{port}"}) if port and is_here(command) else None
    return _check(view, capabilities, operation, draft, fill(view, *searched.operands[:1]))


def _open_files(view: View, command: ShellCommand) -> Found:
    place = command.option("-i")
    text = place.filled if place else next((word.filled for word in command.operands), "")
    match = re.search(r":(\d{1,5})\b", text) or re.search(r":(\d{1,5})\b", " ".join(word.filled for word in command.words))
    if match and 0 < int(match[1]) < 65536 and is_here(command):
        draft = CheckDraft("tcp", {"address": f"127.0.0.1:{match[1]}"})
        return _check(view, ("check.port",), "lsof.list", draft, Filled(()))
    return step(view, ("diagnostics",), "lsof.list" if knows(command, ("-p", "-n", "-P", "-u", "-i", "-t")) else "")


def _counted(view: View, command: ShellCommand, operation: str, security: bool) -> Found:
    """Connections of a port, counted: ss counts them by their own state, not by what stands anywhere in a line."""
    greps = [other for other in command.pipeline if other.name in ("grep", "egrep") and other.operands]
    port = next((match[1] for other in greps if (match := re.search(r":?(\d{2,5})\b", other.operands[0].filled))), "")
    established = [other for other in greps if "ESTAB" in other.operands[0].filled]
    state = "" if not established else "exclude established" if established[0].has_flag("-v") else "state established"
    draft = None
    if port and 0 < int(port) < 65536 and is_here(command):
        text = " ".join(part for part in ("ss -Htn", state or "state connected", f"'( sport = :{port} )'", "| wc -l") if part)
        draft = CheckDraft("command", {"shell": text}, name=f"connections {port}", measures=("connections",))
    capabilities = ("security.network", "metric") if security else ("metric", "check.port")
    return _check(view, capabilities, operation, draft, Filled(()))


def _port_of(view: View, pattern: str) -> int:
    """The port that is looked for: its number, or the only one at which the manual asks the program on this host."""
    number = re.fullmatch(r"[:\"']?:?(\d{1,5})[\"'\s]*", pattern.strip())
    if number:
        return int(number[1]) if 0 < int(number[1]) < 65536 else 0
    local = {address.port for address in view.manual.names.addresses if address.host in ("localhost", "127.0.0.1") and address.port}
    return next(iter(local)) if len(local) == 1 else 0


# --- reaching another host


def _ping(view: View, command: ShellCommand) -> Found:
    filled = fill(view, *whole(command))
    known = knows(command, ("-c", "-i", "-w", "-W", "-q", "-n", "-4", "-6", "-s", "-I")) and understood_behind(command)
    operation = "ping" if known else ""
    if not command.has_flag("-c", "-w"):
        return step(view, ("diagnostics", "check.host"), operation, reason="without -c it never ends")
    return _check(view, ("check.host", "diagnostics"), operation, CheckDraft("command", {"run": list(filled.texts)}), filled)


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
    return _check(view, ("check.tcp", "check.port"), "tcp.connect" if known and (draft or filled.missing) else "", draft, filled)


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


# --- packet filters


def _packet_filter(view: View, command: ShellCommand) -> Found:
    if any(flag in _CHANGES_RULES for flag in command.flags):
        verb = next(flag for flag in command.flags if flag in _CHANGES_RULES).lstrip("-")
        known = knows(command, _CHANGES_RULES | _RULE) and not any(word.has_substitution for word in command.words)
        words = {"A": "append", "I": "insert", "D": "delete", "F": "flush", "P": "policy"}
        return step(view, ("runbook", "security.network"), f"iptables.{words.get(verb, verb.lower())}" if known else "")
    known = knows(command, _LISTS) and understood_behind(command)
    return step(view, ("security.network", "diagnostics"), "iptables.list" if known else "")


def _saved_rules(view: View, command: ShellCommand) -> Found:
    if command.name.endswith("-restore"):
        return step(view, ("security.network", "runbook"))
    return step(view, ("security.network",), "iptables.save" if not command.flags else "")


def _ufw(view: View, command: ShellCommand) -> Found:
    verb = command.subcommand
    if verb != "status":
        known = verb in ("allow", "deny", "reject", "limit", "delete", "enable", "disable", "reload", "insert") and knows(
            command, ("--force",)
        )
        return step(view, ("runbook", "security.network"), f"ufw.{verb}" if known else "")
    filled = fill(view, *whole(command))
    known = understood_behind(command) and not command.flags
    draft = CheckDraft("command", {"run": list(filled.texts), "expect": {"output_contains": "Status: active"}})
    return _check(view, ("security.network", "check.host"), "ufw.status" if known else "", draft, filled)


def _firewall_tools(view: View, command: ShellCommand) -> Found:
    words = [word.filled for word in command.operands]
    lists = "list" in words or any(flag.startswith(("--list", "--state", "--get")) for flag in command.flags) or "status" in words
    capabilities = ("security.network", "diagnostics") if lists else ("runbook", "security.network")
    return step(view, capabilities, f"{command.name.split('-')[0]}.list" if lists and understood_behind(command) else "")


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
    **dict.fromkeys(_SOCKETS, _sockets),
    **dict.fromkeys(("ping", "ping6"), _ping),
    **dict.fromkeys(("nc", "ncat", "telnet"), _connect),
    **dict.fromkeys(("traceroute", "tracepath", "mtr", "arp", "arping"), _route),
    **dict.fromkeys(("ip", "ifconfig", "route", "ethtool"), _interfaces),
    **dict.fromkeys(("tcpdump", "nmap", "tshark"), _capture),
    **dict.fromkeys(("iptables", "ip6tables"), _packet_filter),
    **dict.fromkeys(("iptables-save", "iptables-restore", "ip6tables-save"), _saved_rules),
    "ufw": _ufw,
    **dict.fromkeys(("nft", "firewall-cmd", "fail2ban-client"), _firewall_tools),
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
ss -tln | grep 8080
iptables -A INPUT -s <attacker_ip> -j DROP
```
""",
)
