"""Commands inside text: what an ``echo`` tells a person to run, what ``watch`` repeats, what is sent to another host. Pure."""

import re
from dataclasses import replace
from functools import lru_cache

from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind

from .model import View
from .views import views

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
    return _capabilities(command, view.item.section) if command and "\n" not in command else ()


@lru_cache(maxsize=512)
def _capabilities(command: str, section: tuple[str, ...]) -> tuple[str, ...]:
    from .outcomes import Recognisers  # the recognisers ask here, and are asked here
    from .registry import all_recognisers

    alone = read_manual(f"```bash\n{command}\n```\n", "a command")
    for view in views(alone):
        if view.item.kind is Kind.COMMAND and view.pipeline and view.pipeline[0].name not in ("echo", "watch", "ssh"):
            own = replace(view, item=replace(view.item, section=section))
            return Recognisers(all_recognisers()).find(own).capabilities
    return ()
