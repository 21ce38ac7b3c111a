"""Commands inside text: what an ``echo`` tells a person to run, what ``watch`` repeats, what is sent to another host. Pure."""

import re
from functools import cache
from typing import TYPE_CHECKING

from keepwell.rooms.manual.reading.model import Item, Kind
from keepwell.rooms.manual.reading.shell import Piece, read_shell

from .model import View

if TYPE_CHECKING:
    from .outcomes import Recognisers

_PROGRAMS = [
    "kubectl",
    "oc",
    "helm",
    "docker",
    "docker-compose",
    "podman",
    "systemctl",
    "service",
    "journalctl",
    "iptables",
    "ip6tables",
    "ufw",
    "firewall-cmd",
    "nft",
    "grep",
    "egrep",
    "tail",
    "tar",
    "netstat",
    "ss",
    "ps",
    "psql",
    "pg_dump",
    "pg_restore",
    "pg_isready",
    "redis-cli",
    "aws",
    "curl",
    "wget",
    "openssl",
    "certbot",
    "git",
    "npm",
    "cargo",
    "rsync",
    "scp",
    "ssh",
    "find",
    "df",
    "du",
    "free",
    "top",
    "apt",
    "apt-get",
    "yum",
    "dnf",
    "mysql",
    "mysqldump",
    "ansible-playbook",
    "terraform",
    "nginx",
    "k6",
]
_COMMAND = re.compile(
    rf"(?:^|[:>-]\s+|`|\brun:? |\buse:? |\bwith:? |[$#] )(?P<command>(?:sudo )?(?:{'|'.join(map(re.escape, _PROGRAMS))})\s+[^`]+)"
)
_LONGEST = 1000
_SPEAKERS = ("echo", "printf", "watch", "ssh")
"""Programs whose words are asked for commands here themselves: they are not asked twice."""


def commands_in(text: str, anywhere: bool = False) -> str:
    """The command in a text, behind a label or in backticks; empty where there is none. ``anywhere``: the whole text is one."""
    plain = text.strip()[:_LONGEST]
    if anywhere:
        return plain
    match = _COMMAND.search(plain)
    return match["command"].strip() if match else ""


def capabilities_inside(view: View, text: str, anywhere: bool = False) -> tuple[str, ...]:
    """What the command in a text is about, as if it stood there by itself; nothing where the text holds none."""
    command = commands_in(text, anywhere)
    if not command or "\n" in command:
        return ()
    script = read_shell(Piece(command, view.item.line, section=view.item.section))
    first = next((part for part in script.commands if part.is_first), None)
    if first is None or first.name in _SPEAKERS:
        return ()
    item = Item(Kind.COMMAND, view.item.line, view.item.line, command, view.item.section)
    own = View(view.manual, item, first.pipeline, script, comment=view.comment, values=view.values)
    return _known().find(own).capabilities


@cache
def _known() -> "Recognisers":
    from .outcomes import Recognisers  # the recognisers ask here, and are asked here
    from .registry import all_recognisers

    return Recognisers(all_recognisers())
