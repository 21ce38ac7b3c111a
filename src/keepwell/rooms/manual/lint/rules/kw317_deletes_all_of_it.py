"""KW317: one command deletes everything of its kind."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import said_over

_SAVES = re.compile(r"back[ -]?up|snapshot|dump\b|pg_dump|export\b", re.IGNORECASE)
_DEV = re.compile(r"of=/dev/(?!null|zero|std|fd|shm)")
_WHOLE = re.compile(r"^\s*(?:DROP\s+(?:DATABASE|SCHEMA|TABLE)|TRUNCATE)\b", re.IGNORECASE)
_ALL_ROWS = re.compile(r"^\s*DELETE\s+FROM\s+[\w.\"]+\s*;?\s*$", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            what = _all_of_it(script, command)
            if what and not _saved(manual, script, command):
                yield Finding(
                    command.line,
                    f"{what}; nothing here lists or saves it before",
                    column=command.column,
                    width=len(command.name),
                    fix="list what would go, save what is needed, and delete by name",
                )
    for statement in manual.statements:
        if (_WHOLE.match(statement.code) or _ALL_ROWS.match(statement.code)) and not _SAVES.search(manual.words_near(statement.line, 6, 0)):
            yield Finding(
                statement.line,
                f"{' '.join(statement.code.split()[:3])[:60]} deletes all of it at once; nothing here saves it before",
                fix="a dump first, in the same block",
            )


def _all_of_it(script: Script, command: ShellCommand) -> str:
    words = [word.filled for word in command.operands]
    lower = [word.lower() for word in words]
    if command.name in ("docker", "podman"):
        return _of_docker(script, command, words)
    if command.name == "docker-compose" and "down" in words[:2] and command.has_flag("-v", "--volumes"):
        return "docker-compose down -v deletes the volumes of the project, databases included"
    if command.name == "redis-cli" and any(word in ("flushall", "flushdb") for word in lower):
        every = "every key of every database of this Redis" if "flushall" in lower else "every key of this Redis database"
        return f"this deletes {every}: sessions, queues, locks and counters, not the cache alone"
    if command.name in ("kubectl", "oc") and words[:1] == ["delete"]:
        kind = words[1] if len(words) > 1 else ""
        if kind in ("ns", "namespace", "namespaces", "pvc", "persistentvolumeclaim", "pv") or (
            command.has_flag("--all") and kind not in ("pod", "pods", "")
        ):
            return f"kubectl delete {kind} deletes what is stored there with it"
    if command.name == "aws" and words[:2] == ["s3", "rm"] and command.has_flag("--recursive"):
        return "aws s3 rm --recursive deletes every object below the prefix"
    if command.name.startswith("mkfs") or (command.name == "dd" and any(_DEV.match(word.filled) for word in command.arguments)):
        return f"{command.name} overwrites a whole disk"
    return ""


def _of_docker(script: Script, command: ShellCommand, words: list[str]) -> str:
    if words[:2] == ["volume", "prune"]:
        named = "named ones too" if command.has_flag("-a", "--all") else "before Docker 23 named ones too"
        before = next((one for one in script.commands[: command.index] if one.is_("docker", "system") and "prune" in one.text), None)
        after = f", after the prune in line {before.line} also those of containers that were only stopped" if before is not None else ""
        return f"docker volume prune deletes the volumes that no container refers to ({named}){after}"
    if words[:2] == ["system", "prune"]:
        if command.has_flag("--volumes") and not re.search(r"\blogs?\b|cache|image", said_over(script, command.line)):
            return "docker system prune --volumes deletes stopped containers and then the volumes that were theirs, with their data"
        if command.has_flag("-a", "--all") and not command.has_flag("--volumes"):
            return (
                "docker system prune -a deletes every stopped container and every image that no running container uses, the one to go "
                "back to included"
            )
    if words[:1] == ["compose"] and "down" in words[:3] and command.has_flag("-v", "--volumes"):
        return "docker compose down -v deletes the volumes of the project, databases included"
    return ""


def _saved(manual: Manual, script: Script, command: ShellCommand) -> bool:
    """Whether the block lists what goes, or saves it, before."""
    before = script.commands[: command.index]
    names = {"volume ls", "images", "volume inspect"}
    if any(any(name in one.text for name in names) or "--dry" in one.text for one in before):
        return True
    return any(_SAVES.search(one.text) for one in before) or command.has_flag("--filter", "--dryrun", "--dry-run")


RULE = Rule(
    id="KW317",
    name="deletes-all-of-it",
    title="One command deletes everything of its kind",
    severity=Severity.ERROR,
    why="Prune decides by what there is at this moment: a container that is stopped for maintenance is removed, and the volume that it "
    "used is then unused. FLUSHALL "
    "empties all databases of a Redis, whoever uses them. There is no way back from either. Sources: docker volume prune and docker "
    "system prune (reference); Redis commands, FLUSHALL.",
    bad="""# Cleanup

```bash
docker volume prune -f
redis-cli FLUSHALL
```
""",
    good="""# Cleanup

```bash
docker volume ls --filter dangling=true
docker volume rm shop_build_cache
redis-cli --scan --pattern 'cache:*' | xargs -r -n 100 redis-cli unlink
```
""",
    check=_check,
)
