"""KW208: a service is restarted, and nobody looks whether it runs."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import headings_over, is_look, short

_WHERE = re.compile(r"recover|restor|update|upgrade|emergenc|mainten|deploy|incident|quick fix|patch")
_LOOK_FOLLOWS = re.compile(r"\b(?:verif|check|confirm|make sure|watch|doesn't|does not|fails|still)", re.IGNORECASE)
_VERBS = {
    "systemctl": ("start", "restart", "reload", "reload-or-restart"),
    "docker-compose": ("up", "restart", "start"),
    "docker": ("restart", "start"),
}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if script.origin == "fence" and _WHERE.search(headings_over(manual, script.line)):
            command = _last_unwatched(script)
            if command is not None and not _looked_at_later(manual, script, command):
                yield Finding(
                    command.line,
                    f"nothing looks whether the service runs after {short(command.text, 60)}",
                    column=command.column,
                    width=len(command.name),
                    fix="ask it: curl --fail --retry 5 --retry-connrefused URL, systemctl is-active, docker compose ps",
                )


def _last_unwatched(script: Script) -> ShellCommand | None:
    """The first restart behind the last look; one in a branch has its look elsewhere."""
    found: ShellCommand | None = None
    for command in script.commands:
        if is_look(command):
            found = None
        elif found is None and _restarts(command) and not command.guards and not command.function:
            found = command
    return found


def _restarts(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if any(word.filled in ("--wait", "--help") for word in command.arguments):
        return False
    if command.name in ("kubectl", "oc"):
        return words[:2] == ["rollout", "restart"]
    if command.name == "docker" and words[:1] == ["compose"]:
        return words[1:2] != [] and words[1] in _VERBS["docker-compose"]
    if command.name == "service":
        return words[1:2] in (["start"], ["restart"])
    return command.subcommand in _VERBS.get(command.name, ())


def _looked_at_later(manual: Manual, script: Script, command: ShellCommand) -> bool:
    section = manual.section_of(script.line)
    return any(_LOOK_FOLLOWS.search(text) for text in manual.lines[command.end_line : section.end_line])


RULE = Rule(
    id="KW208",
    name="change-without-a-look",
    title="A service is restarted and nobody looks whether it runs",
    severity=Severity.WARNING,
    why="systemctl restart returns when the process was started, docker compose up -d when the container was: a service that ends a second "
    "later, or answers every request with an error, has been restarted successfully. The step that ends a recovery or an update is to "
    "ask the "
    "service. Sources: systemctl(1), systemd.service(5) (Type=simple); docker compose up --wait.",
    bad="""# Recovery

```bash
cp /backup/app.yml /etc/shop/app.yml
systemctl restart shop
```
""",
    good="""# Recovery

```bash
cp /backup/app.yml /etc/shop/app.yml
systemctl restart shop
curl --fail --retry 5 --retry-connrefused http://localhost:8080/health
```
""",
    check=_check,
)
