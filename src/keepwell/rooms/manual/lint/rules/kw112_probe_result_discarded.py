"""KW112: a probe that says what it found only by its exit status, which nobody takes."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.kw106_success_said_unconditionally import unconditional_successes
from keepwell.rooms.manual.reading.file_uses import tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if not script.complete:
            continue
        told = {work.index for _, work in unconditional_successes(script)}  # KW106 names these
        for command in script.commands:
            if command.index in told or command.depth or not command.is_last or command.strict.errexit or command.status.how != "ignored":
                continue
            probe = _probe(command)
            if probe:
                yield Finding(
                    command.line,
                    f"{probe} answers by its exit status, and nothing takes it: a failure does not stop or fail the script",
                    command.end_line,
                    command.column,
                    f"{command.text[:100]} || exit 1" if "\n" not in command.text[:100] else "command || exit 1",
                    width=max(1, len(command.name)),
                )


def _probe(command: ShellCommand) -> str:
    """What kind of probe it is; empty where it is none."""
    name, shown = command.name, command.output.how == "shown"
    if name == "systemctl" and command.subcommand in ("is-active", "is-enabled", "is-failed"):
        return f"systemctl {command.subcommand}"
    if name in ("pg_isready", "mountpoint", "sha256sum", "md5sum", "sha1sum", "sha512sum"):
        checks = name in ("pg_isready", "mountpoint") or command.has_flag("-c", "--check")
        return name if checks else ""
    if name == "tar" and not shown and tar_mode(command) == "t":
        return "tar -t"
    if name in ("gzip", "bzip2", "xz", "zstd") and command.has_flag("-t", "--test"):
        return f"{name} -t"
    if name == "grep" and command.has_flag("-q", "--quiet", "--silent"):
        return "grep -q"
    if (name == "nginx" and command.has_flag("-t")) or (name in ("apachectl", "apache2ctl") and command.subcommand == "configtest"):
        return f"the test of {name}'s configuration"
    if (name == "nc" and command.has_flag("-z")) or command.is_("openssl", "verify"):
        return name if name == "nc" else "openssl verify"
    return name if name in ("[", "[[", "test") and command.tests and _alone(command) else ""


def _alone(command: ShellCommand) -> bool:
    return command.and_then is None and command.or_else is None and not command.condition_of and not command.loops


RULE = Rule(
    id="KW112",
    name="probe-result-discarded",
    title="The result of a probe is discarded",
    severity=Severity.WARNING,
    why="systemctl is-active, tar -t, sha256sum -c, grep -q and their like tell what they found by their exit status. In a script "
    "without set -e, outside of an if, && or ||, that status is overwritten by the next command. Source: systemctl(1), is-active; "
    "POSIX.1-2024, grep, -q.",
    bad="# Check\n\n```bash\n#!/bin/bash\nsystemctl is-active shop\nsha256sum -c shop.sha256\ndf -h\n```\n",
    good="""# Check

```bash
#!/bin/bash
systemctl is-active --quiet shop || exit 1
if ! sha256sum -c shop.sha256; then exit 1; fi
df -h
```
""",
    check=_check,
)
