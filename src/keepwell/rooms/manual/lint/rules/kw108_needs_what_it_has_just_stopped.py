"""KW108: a service is stopped and its client is used before it is started again."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_POSTGRES = ("psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_isready", "createdb", "dropdb", "vacuumdb", "reindexdb")
_MYSQL = ("mysql", "mysqldump", "mysqladmin", "mysqlcheck", "mariadb", "mariadb-dump")
_CLIENTS = {
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
    "mysql": _MYSQL,
    "mysqld": _MYSQL,
    "mariadb": _MYSQL,
    "redis": ("redis-cli",),
    "redis-server": ("redis-cli",),
    "mongod": ("mongosh", "mongo", "mongodump", "mongorestore"),
    "mongodb": ("mongosh", "mongo", "mongodump", "mongorestore"),
    "rabbitmq-server": ("rabbitmqctl",),
}
_LOCAL = ("localhost", "127.0.0.1", "::1", "")


def _check(manual: Manual) -> Iterator[Finding]:
    for script, command, service in _stopped(manual):
        needy = _needs(script, command, service)
        if needy is not None:
            yield Finding(
                command.line,
                f"{service} is stopped here and {needy.name} in line {needy.line} needs it: it cannot connect",
                column=command.column,
                width=len(command.name),
                fix=f"stop what uses {service} instead, and leave {service} running",
            )


def _stopped(manual: Manual) -> Iterator[tuple[Script, ShellCommand, str]]:
    """Every service that a command of a script stops."""
    for script in manual.scripts:
        for command in script.commands:
            for service in _units(command, "stop"):
                yield script, command, service


def _units(command: ShellCommand, what: str) -> Iterator[str]:
    """The services that it stops or starts: ``systemctl stop postgresql@14-main`` gives postgresql."""
    words = [word.filled for word in command.operands]
    names: list[str] = []
    if command.name == "systemctl" and words[:1] == [what]:
        names = words[1:]
    elif command.name == "service" and words[1:2] == [what]:
        names = words[:1]
    elif command.name in ("docker-compose", "docker") and what in words[:2]:
        names = words[words.index(what) + 1 :]
    for name in names:
        bare = name.removesuffix(".service").split("@")[0].rstrip("0123456789.-")
        if bare in _CLIENTS:
            yield bare


def _needs(script: Script, stop: ShellCommand, service: str) -> ShellCommand | None:
    for command in script.commands[stop.index + 1 :]:
        starts = (*_units(command, "start"), *_units(command, "restart"))
        if service in starts or command.name in ("exit", "pg_ctl", "initdb", "pg_ctlcluster", "postgres") or command.subcommand == "up":
            return None
        if command.name in _CLIENTS[service] and _is_local(command) and not command.has_flag("-l", "--list", "--version"):
            return command
    return None


def _is_local(command: ShellCommand) -> bool:
    host = command.option("-h", "--host")
    elsewhere = any("://" in word.filled and "localhost" not in word.filled for word in command.arguments)
    return (host is None or host.filled in _LOCAL or host.filled.startswith("/")) and not elsewhere and not command.wrappers


RULE = Rule(
    id="KW108",
    name="needs-what-it-has-just-stopped",
    title="The service is stopped that the next step needs",
    severity=Severity.ERROR,
    why="psql, pg_restore, mysql and redis-cli are clients: they talk to the running server. After the server was stopped they can only "
    "fail, and a restore that goes on starts an unrestored database. Source: PostgreSQL documentation, Client Applications "
    "(pg_restore, Notes).",
    bad="""# Restore

```bash
systemctl stop postgresql
pg_restore -d shop /backup/shop.dump
systemctl start postgresql
```
""",
    good="""# Restore

```bash
systemctl stop shop
pg_restore --exit-on-error -d shop /backup/shop.dump
systemctl start shop
```
""",
    check=_check,
)
