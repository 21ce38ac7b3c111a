"""KW907: what was just downloaded is run or installed unseen."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .pattern_words import short

_LOADERS = ("curl", "wget")
_SHELLS = ("sh", "bash", "zsh", "dash", "python", "python3", "perl", "ruby", "node")
_CHECKS = ("sha256sum", "sha512sum", "shasum", "gpg", "gpgv", "cosign", "minisign", "openssl", "md5sum", "b2sum")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named(*_LOADERS):
            taker = _piped(command) or _substituted(command, script)
            if taker and not _local(command):
                yield Finding(
                    command.line,
                    f"{taker} runs whatever {_host(command)} answers at this moment, half a file after a broken connection too",
                    command.end_line,
                    command.column,
                    "download it, compare its checksum, read it, then run it",
                    width=len(command.name),
                )
        yield from _installed(script)


def _host(command: ShellCommand) -> str:
    found = next((match[1] for word in command.operands if (match := re.search(r"://([^/\s\"']+)", word.filled))), "")
    return short(found, 40) or "the server"


def _local(command: ShellCommand) -> bool:
    return any(re.search(r"//(localhost|127\.|\[::1)", word.filled) for word in command.operands)


def _piped(command: ShellCommand) -> str:
    rest = command.pipeline[command.position + 1 :]
    if any(part.name in _CHECKS for part in rest):
        return ""
    taker = next((part for part in rest if part.name in _SHELLS), None)
    own_program = taker is not None and (taker.has_flag("-c", "-e", "-m", "-n") or any(word.filled != "-" for word in taker.operands[:1]))
    return taker.name if taker is not None and (not own_program or taker.has_flag("-s")) else ""


def _substituted(command: ShellCommand, script: Script) -> str:
    """``bash <(curl ...)`` and ``sh -c "$(curl ...)"``."""
    outer = command.inside
    runs = outer is not None and outer.name in (*_SHELLS, "eval", "source", ".")
    return outer.name if outer is not None and runs and command.is_last and (command.substitution == "<(" or _is_program(outer)) else ""


def _is_program(outer: ShellCommand) -> bool:
    return outer.name == "eval" or (outer.has_flag("-c") and any(re.match(r"\"?\$\((curl|wget)", word.raw) for word in outer.arguments))


def _installed(script: Script) -> Iterator[Finding]:
    """A file is downloaded and then installed or made executable, and nothing in between looks at it."""
    files: dict[str, ShellCommand] = {}
    for command in script.commands:
        if command.name in _CHECKS or command.has_flag("--checksum"):
            files.clear()
        name = _saved_as(command)
        if name:
            files[name] = command
        runs = (
            command.name in ("dpkg", "rpm")
            or (command.name == "chmod" and re.search(r"x|7|5", command.subcommand))
            or command.name in _SHELLS
        )
        used = next((word.filled.rpartition("/")[2] for word in command.operands if word.filled.rpartition("/")[2] in files), "")
        if used and runs and not _local(files[used]):
            loaded = files.pop(used)
            yield Finding(
                command.line,
                f"{short(used, 40)} from {_host(loaded)} (line {loaded.line}) is run or installed without comparing a checksum "
                "or signature",
                column=command.column,
                fix="echo 'SUM  FILE' | sha256sum --check first",
                width=len(command.name),
            )


def _saved_as(command: ShellCommand) -> str:
    if command.name not in _LOADERS:
        return ""
    option = command.option("-o", "--output") if command.name == "curl" else command.option("-O", "--output-document")
    if option:
        return option.filled.rpartition("/")[2]
    plain = command.name == "wget" or command.has_flag("-O", "--remote-name")
    url = next((word.filled for word in command.operands if "://" in word.filled), "")
    return url.partition("?")[0].rpartition("/")[2] if plain else ""


RULE = Rule(
    id="KW907",
    name="runs-what-it-downloads",
    title="What is downloaded is run unseen",
    severity=Severity.ERROR,
    why="Whoever controls the server, or the name in between, decides what runs here, as root where sudo stands before it. A "
    "connection that breaks in the "
    "middle runs half a script. A checksum or signature taken from another place than the file shows that it is the one that was meant. "
    "Source: CWE-494, Download of Code Without Integrity Check.",
    bad="# Install\n\n```bash\ncurl -fsSL https://get.example.org/install.sh | sudo bash\n```\n",
    good="""# Install

```bash
curl -fsSLO https://get.example.org/install.sh
sha256sum --check install.sh.sha256 && bash install.sh
curl -fs https://api.example.org/v1/jobs | python3 -m json.tool
```
""",
    check=_check,
)
