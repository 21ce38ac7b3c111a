"""KW709: a client is told its server in other places of the manual, and not here."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

_FAMILIES = {
    "redis-cli": "redis-cli", "psql": "postgresql", "pg_dump": "postgresql", "pg_restore": "postgresql", "pg_isready": "postgresql",
    "pg_dumpall": "postgresql", "mysql": "mysql", "mysqldump": "mysql", "mysqladmin": "mysql", "mongosh": "mongodb", "mongo": "mongodb",
    "mongodump": "mongodb",
}  # fmt: skip
_SERVER = ("-h", "--host", "-u", "--uri", "--url")
_NAMES_USERS = frozenset(("mysql", "mysqldump", "mysqladmin", "mongosh", "mongo", "mongodump"))
_ENVIRONMENT = ("PGHOST", "PGSERVICE", "MYSQL_HOST", "REDISCLI_HOST")


def _check(manual: Manual) -> Iterator[Finding]:
    if any(assignment.name in _ENVIRONMENT for script in manual.scripts for assignment in script.assignments):
        return
    by_family: dict[str, list[ShellCommand]] = {}
    for command in manual.commands:
        if command.name in _FAMILIES and not command.wrappers:
            by_family.setdefault(_FAMILIES[command.name], []).append(command)
    for commands in by_family.values():
        told = [command for command in commands if _server(command) is not None]
        remote = [command for command in told if not _is_local(_server(command))]
        if len(remote) >= 2:
            yield from _untold(manual, commands, remote[0])


def _untold(manual: Manual, commands: list[ShellCommand], other: ShellCommand) -> Iterator[Finding]:
    last = -10
    server = _server(other)
    for command in sorted(commands, key=lambda one: one.line):
        if _server(command) is not None or (command.line - last <= 2 and manual.fence_at(last) is manual.fence_at(command.line)):
            continue
        last = command.line
        yield Finding(
            command.line,
            f"{command.name} is not told its server here and goes to localhost; line {other.line} uses {server.raw if server else 'one'}",
            command.end_line,
            command.column,
            f"name the server as in line {other.line}",
            width=len(command.name),
        )


def _server(command: ShellCommand) -> Word | None:
    flags = tuple(flag for flag in _SERVER if not (flag == "-u" and command.name in _NAMES_USERS))
    given = command.option(*flags)
    if given is None:
        given = next(
            (word for word in (*command.operands, *command.options("-d", "--dbname")) if "://" in word.filled or "host=" in word.filled),
            None,
        )
    return given


def _is_local(word: Word | None) -> bool:
    return word is not None and any(name in word.filled for name in ("localhost", "127.0.0.1", "::1", "/var/run", "/tmp"))


RULE = Rule(
    id="KW709",
    name="another-server-than-elsewhere",
    title="A client is not told its server, though other places of the manual do",
    severity=Severity.ERROR,
    why="Without a host the client goes to localhost. There it finds nothing, or another database: a check is green over an empty one, "
    "and a "
    "deletion hits the wrong one. Source: redis-cli(1), -h and -u; PostgreSQL, psql, -h.",
    bad="""# Redis

```bash
redis-cli -u $REDIS_URL ping
redis-cli -u $REDIS_URL info memory
```

## Repair

```bash
redis-cli del "session:1"
```
""",
    good="""# Redis

```bash
redis-cli -u $REDIS_URL ping
redis-cli -u $REDIS_URL info memory
```

## Repair

```bash
redis-cli -u $REDIS_URL del "session:1"
```
""",
    check=_check,
)
