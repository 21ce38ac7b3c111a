"""KW120: a command whose normal case is an exit status other than 0."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import recurs, unattended
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_CODES = (
    (("yum", "dnf"), "check-update", "100 where updates are there, 0 where none are, 1 for an error"),
    (("npm", "pnpm"), "outdated", "1 where anything is outdated, the same as for an error"),
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            codes = _codes(command)
            if not codes or len(command.pipeline) > 1 or command.status.how in ("asked", "or", "or-true"):
                continue
            if unattended(script) or recurs(manual, command.line):
                yield Finding(
                    command.line,
                    f"{command.name} {command.subcommand} exits with {codes}: "
                    "set -e, && or || behind it reads the normal case as a failure",
                    column=command.column,
                    width=len(command.name),
                    fix="take the status apart: case $? in ...",
                )


def _codes(command: ShellCommand) -> str:
    return next((codes for names, subcommand, codes in _CODES if command.name in names and command.subcommand == subcommand), "")


RULE = Rule(
    id="KW120",
    name="non-zero-is-normal",
    title="The normal case has an exit status other than 0",
    severity=Severity.NOTE,
    why="Some commands report what they found by their exit status: dnf check-update exits with 100 when there are updates, npm "
    "outdated with 1. Under set -e, in a pipeline of jobs or behind && that reads as a failure on an ordinary day. Source: dnf(8), "
    "check-update; npm-outdated(1).",
    bad="# Weekly maintenance\n\n```bash\n#!/bin/bash\ndnf check-update\n```\n",
    good="# Weekly maintenance\n\n```bash\n#!/bin/bash\ndnf check-update || [ $? -eq 100 ]\n```\n",
    check=_check,
)
