"""KW901: a secret among the arguments of a command."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

from .pattern_words import short
from .secret_words import SECRET_NAME, is_placeholder

_HEADER = re.compile(
    r"^(?:Proxy-)?(?:Authorization|X-[\w-]*(?:Key|Token|Auth|Secret)|Api-?Key|Private-Token)\s*:\s*(?:\w+\s+)?(\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_IN_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^/\s:@]*:([^@/\s]+)@", re.IGNORECASE)
_LONG_AND_SHORT = ("mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mongosh", "mongodump", "mongorestore", "rabbitmqadmin")
_OPTIONS = {
    **dict.fromkeys(_LONG_AND_SHORT, ("-p", "--password")),
    **dict.fromkeys(("docker", "podman", "helm", "wget", "az"), ("--password",)),
    **dict.fromkeys(("redis-cli", "valkey-cli"), ("-a", "--pass")),
    **dict.fromkeys(("ldapsearch", "ldapmodify"), ("-w",)),
    "sshpass": ("-p",),
    "curl": ("--oauth2-bearer", "--pass"),
    "vault": ("-token",),
    "influx": ("--token", "-t"),
}
"""The options whose value is a secret."""
_FIXES = {
    "curl": "curl -H @FILE or curl --config FILE, readable by its owner alone",
    "redis-cli": "put the password into REDISCLI_AUTH, and the host into -h",
    "psql": "a ~/.pgpass with mode 600",
    "mysql": "an option file: mysql --defaults-extra-file=FILE",
    "mysqldump": "an option file: mysqldump --defaults-extra-file=FILE",
    "docker": "docker login --password-stdin",
}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        told: set[tuple[str, str]] = set()
        for command in script.commands:
            found = next(_secrets(command), None)
            if found and (found[1] or (command.name, found[0]) not in told):  # the same variable once a block: it is mended once
                told.add((command.name, found[0]))
                yield _finding(command, *found)


def _finding(command: ShellCommand, what: str, constant: bool) -> Finding:
    where = "and it stands in this manual" if constant else "to every account of the host while it runs"
    return Finding(
        command.line,
        f"{command.name} gets {what} as an argument: ps shows it {where}",
        command.end_line,
        command.column,
        _FIXES.get(command.name, "give it by a file or by standard input"),
        width=len(command.name),
        severity=Severity.ERROR if constant else None,
    )


def _secrets(command: ShellCommand) -> Iterator[tuple[str, bool]]:
    """Each secret among the words: what it is, and whether it is written out."""
    for word in command.arguments if command.name not in ("echo", "printf", "grep", "export", "local", "[", "[[") else ():
        match = _IN_URL.search(word.filled)
        if match:
            yield "the password in a URL", not is_placeholder(match[1])
    for word in command.options(*_OPTIONS.get(command.name, ())):
        if (word.filled and command.name != "docker") or command.subcommand == "login":
            yield _named(word, "a password"), not is_placeholder(word.filled)
    if command.name == "curl":
        yield from _of_curl(command)
    if command.name in ("redis-cli", "valkey-cli"):
        yield from ((_named(word, "a URL that may hold the password"), False) for word in command.options("-u", "--uri") if word.variables)


def _of_curl(command: ShellCommand) -> Iterator[tuple[str, bool]]:
    for word in command.options("-u", "--user", "-U", "--proxy-user"):
        user, colon, password = word.filled.partition(":")
        if colon and password:
            yield (
                _named(word, f"the password of {short(user, 30)}" if "$" not in user else "user and password"),
                not is_placeholder(password),
            )
        elif not colon and any(SECRET_NAME.search(name) for name in word.variables):
            yield _named(word, "user and password"), False
    for word in command.options("-H", "--header"):
        match = _HEADER.match(word.filled.strip())
        if match:
            yield _named(word, "a token"), not is_placeholder(match[1])


def _named(word: Word, what: str) -> str:
    return f"{what} (${word.variables[-1]})" if word.variables else what


RULE = Rule(
    id="KW901",
    name="secret-on-the-command-line",
    title="A secret is given on the command line",
    severity=Severity.NOTE,
    why="The arguments of a process can be read by every account of the host for as long as it runs, and monitoring, audit logs "
    "and the shell's history "
    "keep them. A variable does not help: the shell puts its value into the arguments. Environment variables of a process, "
    "files with mode 600 and "
    "standard input are not shown. Source: ps(1), proc_pid_cmdline(5); curl(1), -u and -H @file; redis-cli's own warning on -a.",
    bad="""# Check

```bash
curl -f -H "Authorization: Bearer $TOKEN" https://api.example.org/v1/jobs
redis-cli -u $REDIS_URL ping
```
""",
    good="""# Check

```bash
curl -f -H @/etc/shop/token.header https://api.example.org/v1/jobs
REDISCLI_AUTH=$REDIS_PASSWORD redis-cli -h redis ping
mysql -p shop
```
""",
    check=_check,
)
