"""``openssl``: servers' certificates become tls checks, and so do those in files (openssl-x509(1))."""

import re

from keepwell.rooms.manual.importing.filled_words import (
    WORKING_FOLDER,
    Filled,
    fill,
    is_here,
    knows,
    options,
    step,
    understood_behind,
    working_folder,
)
from keepwell.rooms.manual.importing.http_words import host_and_port
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Missing, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

_CLIENT = frozenset(
    (
        "-connect",
        "-servername",
        "-showcerts",
        "-CAfile",
        "-CApath",
        "-brief",
        "-quiet",
        "-verify_return_error",
        "-verify",
        "-verify_hostname",
    )
) | frozenset(("-host", "-port", "-tls1_2", "-tls1_3"))
_X509 = options(
    "-noout -in -text -dates -enddate -startdate -subject -issuer -checkend -fingerprint -sha256 -serial -purpose -inform -ext"
    " -checkhost -email -modulus"
)
_DAYS = re.compile(r"\b(\d{1,3})[ -]days?\b")
_USUAL_DAYS = 30
_MAKES_KEYS = frozenset(("rand", "genrsa", "genpkey", "req", "ecparam", "genkey", "dhparam", "passwd"))


def _read(view: View) -> Found | None:
    commands = [command for command in view.pipeline if command.name == "openssl"]
    first = commands[0]
    client = next((command for command in commands if command.subcommand == "s_client"), None)
    if client is not None:
        return _server(view, client, commands)
    file = first.option("-in")
    if first.subcommand == "x509" and file is not None and not first.has_flag("-req", "-signkey", "-CA", "-out"):
        return _file(view, first, file)
    if first.subcommand == "verify":
        return step(view, ("security.certificates", "check.tls"))
    if first.subcommand in _MAKES_KEYS:
        certificate = first.subcommand == "req"
        return step(view, ("security.certificates", "keys.rotate") if certificate else ("keys.rotate", "security.secrets"), _made(first))
    return None


def _made(command: ShellCommand) -> str:
    known = command.subcommand == "rand" and knows(command, ("-base64", "-hex", "-out"))
    return "openssl.rand" if known else ""


# --- the certificate of a server


def _server(view: View, client: ShellCommand, commands: list[ShellCommand]) -> Found:
    connect = client.option("-connect")
    words = [word for word in (connect, client.option("-servername"), client.option("-CAfile")) if word is not None]
    filled = fill(view, *words)
    understood = knows(client, _CLIENT) and all(knows(other, _X509) for other in commands if other.subcommand == "x509")
    operation = "tls.certificate" if understood and understood_behind(commands[-1]) else ""
    disposition = Disposition.MISSING if filled.missing else Disposition.CARRIED
    capabilities = ("check.tls", "security.certificates")
    found = Found(Fate.CHECK, capabilities, operation, disposition=disposition, missing=filled.missing)
    if client.has_flag("-starttls"):
        return Found(Fate.CHECK, capabilities, "", reason="it begins in clear text (STARTTLS), which a tls check does not speak")
    settings = _place(filled) if connect is not None and filled.static and is_here(client) else {}
    if not settings:
        return found
    name = client.option("-servername")
    if name is not None and filled.texts[1] != settings["host"]:
        settings["server_name"] = filled.texts[1]
    if client.option("-CAfile") is not None:
        settings["authority"] = filled.texts[-1]
    draft = CheckDraft("tls", settings | _limits(view, commands))
    return Found(Fate.CHECK, capabilities, operation, (draft,), disposition, missing=filled.missing)


def _place(filled: Filled) -> dict[str, object]:
    host, port = host_and_port(filled.text, 443)
    return {"host": host, "port": port} if host else {}


def _limits(view: View, commands: list[ShellCommand]) -> dict[str, str]:
    """When a warning is due, where the manual says so; the kind has limits of its own otherwise."""
    days = _days(view, commands)
    if days is None or days == _USUAL_DAYS:
        return {}
    return {"warn": f"< {days}d", "fail": f"< {min(7, days // 2)}d"} if days > 1 else {"fail": "< 1d"}


def _days(view: View, commands: list[ShellCommand]) -> int | None:
    for command in commands:
        seconds = command.option("-checkend")
        if seconds is not None and (seconds.text or "").isdigit():
            return max(1, int(seconds.text or "0") // 86400)
    match = _DAYS.search(view.words)
    return int(match[1]) if match and int(match[1]) > 0 else None


# --- a certificate in a file


def _file(view: View, command: ShellCommand, written: Word) -> Found:
    filled = fill(view, written)
    path, missing = _absolute(view, filled)
    operation = "openssl.x509" if knows(command, _X509) and understood_behind(command) else ""
    capabilities = ("security.certificates", "check.tls")
    if not filled.static:
        return Found(Fate.CHECK, capabilities, operation, reason="the file is known only when it runs")
    days = _days(view, [command]) or _USUAL_DAYS
    name = f"certificate {path.rpartition('/')[2]}"
    by_program = command.wrapper_words or command.has_flag("-inform")  # who needs sudo may read what the check may not; DER is no PEM
    if by_program or ".." in path or not path.startswith("/"):
        run = [*fill(view, *command.wrapper_words).texts, "openssl", "x509", "-in", path, "-noout", "-checkend", str(days * 86400)]
        draft = CheckDraft("command", {"run": run}, name=name)
        reason = f"it fails when the certificate ends within {days} days"
    else:
        draft = CheckDraft("tls", {"file": path, **_limits(view, [command])}, name=name)
        reason = f"it warns when the certificate ends within {days} days"
    return Found(
        Fate.CHECK,
        capabilities,
        operation,
        (draft,),
        Disposition.MISSING if missing else Disposition.CARRIED,
        reason=reason,
        missing=missing,
    )


def _absolute(view: View, filled: Filled) -> tuple[str, tuple[Missing, ...]]:
    """The path of the file. A relative one means nothing to a check, which runs in no folder of the manual."""
    if filled.text.startswith("/") or filled.missing:
        return filled.text, filled.missing
    if WORKING_FOLDER in view.values:
        return f"{view.values[WORKING_FOLDER].rstrip('/')}/{filled.text.removeprefix('./')}", ()
    return filled.text, (working_folder(filled.text),)


RECOGNISER = Recogniser(
    "openssl",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    ("openssl",),
    order=30,
    example="""# Certificate
```bash
# Warn 21 days before it ends
echo | openssl s_client -connect shop.test:443 -servername shop.test 2>/dev/null | openssl x509 -noout -enddate
```
""",
)
