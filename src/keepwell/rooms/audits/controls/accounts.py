"""The control ``accounts``: who may log in on a host, who has the rights of root, who needs no password (CIS Benchmarks, "Ensure root is
the only UID 0 account"). Asks getent(1), so that accounts of LDAP and the like count where they are listed."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.audits.model import Control, Finding
from keepwell.rooms.audits.reading import C_LOCALE, shown, text_of

LIMIT = 4 * 1024 * 1024
ADMINISTRATORS = ("sudo", "wheel", "admin")
_NO_LOGIN = ("nologin", "false", "sync", "shutdown", "halt")


class AccountsOptions(Options):
    """Which accounts there may be."""

    expected: tuple[str, ...] | None = None
    """Accounts beside root that may log in. One that is missing is a finding, and so is any other that may. Without it nothing is said of
    who may log in."""
    administrators: tuple[str, ...] = ()
    """Accounts that may be in the groups sudo, wheel and admin, be it as their first group."""
    present: tuple[str, ...] = ()
    """Accounts that must exist, whether they log in or not, such as the one of a service."""


def ask(options: AccountsOptions) -> tuple[Command, ...]:
    """passwd, group and shadow; of the last one only what may be read."""
    return tuple(Command(("getent", database), environment=C_LOCALE, output_limit=LIMIT) for database in ("passwd", "group", "shadow"))


def read(options: AccountsOptions, answers: Sequence[Result], now: datetime) -> Sequence[Finding]:
    """Findings by account."""
    accounts = [_fields(line, 7, "passwd") for line in text_of(answers[0], "getent passwd").splitlines() if line]
    groups = [_fields(line, 4, "group") for line in text_of(answers[1], "getent group").splitlines() if line]
    shadow = answers[2].stdout if answers[2].succeeded else ""
    if not accounts:
        raise AnswerError("getent passwd lists no account")
    administrators = _administrators(options, accounts, groups)
    return [*_roots(accounts), *_logins(options, accounts), *administrators, *_empty(accounts, shadow)]


def _fields(line: str, count: int, database: str) -> list[str]:
    fields = line.split(":")
    if len(fields) != count:
        raise AnswerError(f"getent {database} gave no usable answer: {shown(line)}")
    return fields


def _roots(accounts: Sequence[Sequence[str]]) -> Iterator[Finding]:
    for name, _, number, *_ in accounts:
        if number == "0" and name != "root":
            yield Finding(f"root {name}", f"the account {shown(name)} has the rights of root (user id 0)")


def _logins(options: AccountsOptions, accounts: Sequence[Sequence[str]]) -> Iterator[Finding]:
    names = {fields[0] for fields in accounts}
    for name in dict.fromkeys((*options.present, *(options.expected or ()))):
        if name not in names:
            yield Finding(f"missing {name}", f"the account {shown(name)} does not exist")
    if options.expected is None:
        return
    for fields in accounts:
        name, shell = fields[0], fields[6].rpartition("/")[2]
        if shell not in _NO_LOGIN and name not in (*options.expected, "root"):
            yield Finding(
                f"login {name}", f"the account {shown(name)} may log in (shell {shown(fields[6] or '/bin/sh')}) and is not expected"
            )


def _administrators(options: AccountsOptions, accounts: Sequence[Sequence[str]], groups: Sequence[Sequence[str]]) -> Iterator[Finding]:
    for name, _, number, listed in groups:
        if name not in ADMINISTRATORS:
            continue
        first = [fields[0] for fields in accounts if fields[3] == number]  # group(5) does not list those whose first group it is
        for member in dict.fromkeys(filter(None, (*listed.split(","), *first))):
            if member not in (*options.administrators, "root"):
                yield Finding(f"{name} {member}", f"the account {shown(member)} is in the group {name} and no administrator")


def _empty(accounts: Sequence[Sequence[str]], shadow: str) -> Iterator[Finding]:
    """Accounts whose password is empty, in passwd(5) itself or in shadow(5)."""
    without = [fields[0] for fields in accounts if fields[1] == ""]
    for line in shadow.splitlines():
        name, _, rest = line.partition(":")
        if rest.partition(":")[0] == "" and ":" in line:
            without.append(name)
    for name in dict.fromkeys(without):
        yield Finding(f"password {name}", f"the account {shown(name)} needs no password")


DRIVER = Control(
    summary="Accounts that may log in, are root or administrators, or need no password",
    options=AccountsOptions,
    ask=ask,
    read=read,
    example="accounts:\n  accounts: {expected: [anna, ben], administrators: [anna], present: [shop]}\n  every: weekly\n",
)
