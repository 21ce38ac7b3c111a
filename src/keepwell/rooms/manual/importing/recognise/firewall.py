"""Packet filters: ``iptables``, ``ufw``, ``nft`` and ``firewall-cmd`` (iptables(8), ufw(8)). Rules are changed by steps only."""

from collections.abc import Callable, Mapping

from keepwell.rooms.manual.importing.filled_words import fill, knows, look, options, step, understood_behind, whole
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_LISTS = frozenset(("-L", "-S", "-n", "-v", "-t", "--list", "--list-rules", "--line-numbers", "-x"))
_CHANGES_RULES = frozenset(
    ("-A", "-I", "-D", "-R", "-F", "-P", "-N", "-X", "-Z", "--append", "--insert", "--delete", "--flush", "--policy")
)
_RULE = options(
    "-s -d -p -j -i -o -m -t --source --destination --protocol --jump --match --dport --sport --dports --sports --state --ctstate --limit"
    " --to-destination --to-ports -w -n --comment"
)


def _read(view: View) -> Found | None:
    command = next(command for command in view.pipeline if command.name in _READERS)
    return _READERS[command.name](view, command)


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
    return look(view, ("security.network", "check.host"), "ufw.status" if known else "", draft, filled)


def _firewall_tools(view: View, command: ShellCommand) -> Found:
    words = [word.filled for word in command.operands]
    lists = "list" in words or any(flag.startswith(("--list", "--state", "--get")) for flag in command.flags) or "status" in words
    capabilities = ("security.network", "diagnostics") if lists else ("runbook", "security.network")
    return step(view, capabilities, f"{command.name.split('-')[0]}.list" if lists and understood_behind(command) else "")


_READERS: Mapping[str, Callable[[View, ShellCommand], Found]] = {
    **dict.fromkeys(("iptables", "ip6tables"), _packet_filter),
    **dict.fromkeys(("iptables-save", "iptables-restore", "ip6tables-save"), _saved_rules),
    "ufw": _ufw,
    **dict.fromkeys(("nft", "firewall-cmd", "fail2ban-client"), _firewall_tools),
}

RECOGNISER = Recogniser(
    "firewall",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    tuple(_READERS),
    order=40,
    example="""# Attack
```bash
sudo ufw status
iptables -A INPUT -s <attacker_ip> -j DROP
```
""",
)
