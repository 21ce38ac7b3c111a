"""KW102: something decides by an exit status that does not tell a failure."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_JUDGED = frozenset(("condition", "and", "or", "asked", "negated"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if command.status.how not in _JUDGED:
                continue
            hidden, fix = _hides(command, script)
            if hidden:
                yield Finding(
                    command.line, f"{hidden}{_consequence(command)}", command.end_line, command.column, fix, width=max(1, len(command.name))
                )


def _hides(command: ShellCommand, script: Script) -> tuple[str, str]:
    """What its status does not tell, and what to write instead; empty where the status can be trusted."""
    if command.name == "curl":
        return _curl(command)
    if command.name == "psql" and _reads_script(command) and not _stops(command, script):
        return "psql goes on after an error in the script it reads and exits with 0", "psql -v ON_ERROR_STOP=1"
    if command.name == "mysql" and command.has_flag("-f", "--force"):
        return "mysql --force goes on after every error", "leave --force out"
    if command.name == "redis-cli" and not command.has_flag("-e") and command.output.how in ("shown", "discarded"):
        return (
            "redis-cli exits with 0 also where Redis answers with an error such as NOAUTH",
            "compare the answer, or redis-cli -e",
        )
    if _lists(command) and command.output.how in ("shown", "discarded") and len(command.pipeline) == 1:
        return (
            f"{command.name} {command.subcommand or 'ps'} exits with 0 whatever state it lists",
            "filter by state and compare what is left",
        )
    return "", ""


def _curl(command: ShellCommand) -> tuple[str, str]:
    wanted = command.option("-w", "--write-out")
    code = wanted is not None and ("http_code" in wanted.filled or "response_code" in wanted.filled)
    if command.has_flag("-f", "--fail", "--fail-with-body") or (code and command.output.how != "shown"):
        return "", ""
    if any(word.filled.startswith(("ftp://", "telnet://", "smtp://", "file://")) for word in command.operands):
        return "", ""
    if command.output.used and command.output.how in ("variable", "test"):
        return "", ""
    return (
        "curl exits with 0 although the server answers with an error",
        "add --fail (-f), or compare the code that -w '%{http_code}' prints",
    )


def _reads_script(command: ShellCommand) -> bool:
    if command.has_flag("-c", "--command", "-l", "--list"):
        return False
    fed = command.piped_from is not None or command.heredoc is not None
    return fed or command.has_flag("-f", "--file") or any(part.operator == "<" for part in command.redirections)


def _stops(command: ShellCommand, script: Script) -> bool:
    stop = "ON_ERROR_STOP"
    fed = command.piped_from
    return (
        stop in command.text
        or (command.heredoc is not None and stop in command.heredoc.body)
        or (fed is not None and stop in fed.text)
        or any(stop in part.text and part.name == "export" for part in script.commands)
    )


def _lists(command: ShellCommand) -> bool:
    if command.is_("docker-compose", "ps") or command.is_("docker", "ps"):
        return True
    words = [word.filled for word in command.operands[:2]]
    return command.name == "docker" and words == ["compose", "ps"]


def _consequence(command: ShellCommand) -> str:
    match command.status.how:
        case "and":
            return ", so what follows && runs all the same"
        case "or":
            return ", so what follows || does not run then"
        case "condition" | "negated":
            return f", so the {command.condition_of or 'condition'} takes failure for success"
        case _:
            return f", so the $? of {command.status.detail} sees no failure"


RULE = Rule(
    id="KW102",
    name="judged-by-a-status-that-hides-failure",
    title="Something decides by an exit status that does not tell a failure",
    severity=Severity.ERROR,
    why="Some programs exit with 0 although what they were asked for failed: curl for an answer of 500 (without --fail), psql for a "
    "script with errors (without ON_ERROR_STOP), redis-cli for an error reply, docker compose ps for stopped services. An if, && or "
    "$? behind them takes failure for success. Source: curl(1), --fail; PostgreSQL documentation, psql, Exit Status; redis-cli "
    "--help, -e.",
    bad="""# Check

```bash
curl -s http://localhost:8080/health
if [ $? -ne 0 ]; then
    systemctl restart shop
fi
```
""",
    good="""# Check

```bash
if ! curl --fail --silent --show-error --max-time 10 http://localhost:8080/health; then
    systemctl restart shop
fi
psql -v ON_ERROR_STOP=1 -f shop.sql && echo "loaded"
```
""",
    check=_check,
)
