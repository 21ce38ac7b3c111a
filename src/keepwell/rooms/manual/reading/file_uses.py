"""Where files are named, and what is done with them. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .embedded import written_file
from .parts import Setting
from .shell_model import Script, ShellCommand, Word

if TYPE_CHECKING:
    from .model import Fence, Item

_SCRIPT = re.compile(r"[\w./${}~-]*[\w}-]\.(?:sh|bash|py|pl|rb|js|ps1)")
_IN_PROSE = re.compile(
    r"(?<![\w/.:$-])(?:(?:~|\.{1,2})?/[\w.-]+(?:/[\w.*-]+)*/?|[\w-]+\.(?:sh|py|ya?ml|json|conf|log|sql|service|txt|md|env|ini|toml))(?![\w/])"
)
_READERS = frozenset(
    [
        "cat",
        "tail",
        "head",
        "less",
        "more",
        "wc",
        "sort",
        "uniq",
        "diff",
        "cmp",
        "md5sum",
        "sha256sum",
        "sha1sum",
        "stat",
        "file",
        "zcat",
        "gunzip",
        "bunzip2",
        "unxz",
        "zstd",
        "unzip",
        "source",
        ".",
        "strings",
        "nl",
        "tac",
        "base64",
        "xxd",
        "od",
        "column",
        "comm",
        "zless",
        "readlink",
        "realpath",
    ]
)
_PATTERN_FIRST = frozenset(("grep", "egrep", "fgrep", "zgrep", "awk", "gawk", "sed", "jq", "rg", "yq"))
_INTERPRETERS = frozenset(("bash", "sh", "dash", "zsh", "ksh", "python", "python3", "perl", "ruby", "node", "pwsh", "powershell"))
_REMOVERS = frozenset(("rm", "unlink", "shred", "rmdir"))
_LISTERS = frozenset(("ls", "find", "du", "tree"))
_MOVERS = frozenset(("cp", "mv", "rsync", "scp", "install", "ln"))
_FILE_TESTS = frozenset(("-f", "-e", "-s", "-r", "-x", "-d", "-w"))
_OUTPUTS = {
    "curl": ("-o", "--output", "-D", "--dump-header"), "wget": ("-O", "--output-document", "-o"), "pg_dump": ("-f", "--file"),
    "pg_dumpall": ("-f", "--file"), "openssl": ("-out", "-keyout"), "sort": ("-o", "--output"), "mysqldump": ("-r", "--result-file"),
    "k6": ("--summary-export",), "trivy": ("-o", "--output"), "gpg": ("-o", "--output"), "mongodump": ("-o", "--out"),
    "pg_basebackup": ("-D", "--pgdata"), "redis-cli": ("--rdb",),
}  # fmt: skip
_INPUTS = {
    "psql": ("-f", "--file"), "docker-compose": ("-f", "--file", "--env-file"), "kubectl": ("-f", "--filename", "--kubeconfig"),
    "oc": ("-f", "--filename"),
    "openssl": ("-in", "-CAfile", "-cert", "-key"), "logrotate": (), "mysql": ("--defaults-file",), "ansible-playbook": ("-i",),
    "ssh": ("-i",),     "helm": ("-f", "--values"), "jq": ("-f",), "awk": ("-f",), "redis-cli": (),
}  # fmt: skip
_OPERANDS_READ = frozenset(("pg_restore", "logrotate", "k6", "ansible-playbook", "gunzip", "bunzip2", "nginx"))
_COMPRESSORS = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst"}


@dataclass(frozen=True, slots=True)
class FileUse:
    """A file or folder where it is named. ``path`` is as written, with the script's own constants filled in.

    ``how`` is defined (a fence is it, a here-document writes it, a setting names it as its file), written, appended, made (a folder),
    read, tested (``[ -f X ]``), executed, removed, listed, or mentioned (in prose).
    """

    path: str
    how: str
    line: int
    script: Script | None = None
    command: ShellCommand | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]


def file_uses(
    items: Sequence["Item"], fences: Sequence["Fence"], scripts: Sequence[Script], settings: Sequence[Setting]
) -> Iterator[FileUse]:
    """Every use of a file in a manual, unsorted."""
    for fence in fences:
        if fence.file:
            yield FileUse(fence.file, "defined", fence.first)
    for script in scripts:
        for command in script.commands:
            yield from (FileUse(path, how, line, script, command) for path, how, line in _of_command(command) if _is_path(path))
    for setting in settings:
        yield from _of_setting(setting)
    for item in items:
        if item.kind.value in ("paragraph", "list item", "checkbox", "table row"):
            yield from (FileUse(match[0], "mentioned", item.line) for match in _IN_PROSE.finditer(item.text))


def _is_path(text: str) -> bool:
    return (
        bool(text)
        and text not in ("-", "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "&1", "&2")
        and "\n" not in text
        and "://" not in text.replace("s3://", "")
    )


def _of_setting(setting: Setting) -> Iterator[FileUse]:
    if setting.syntax == "systemd" and setting.key in ("execstart", "execreload", "execstop", "execstartpre", "execstartpost"):
        program = setting.value.lstrip("-@+!:").split(" ")[0]
        if "/" in program:
            yield FileUse(program, "executed", setting.line)
    elif setting.syntax == "logrotate" and len(setting.path) > 1:
        return


def _of_command(command: ShellCommand) -> Iterator[tuple[str, str, int]]:
    yield from _redirected(command)
    yield from _executed(command)
    if command.name in ("[", "[[", "test"):
        yield from ((test.right.filled, "tested", test.line) for test in command.tests if test.operator in _FILE_TESTS)
    if command.heredoc:
        target = written_file(command)
        if target:
            yield target.filled, "defined", target.line
    for word in command.options(*_OUTPUTS.get(command.name, ())):
        yield word.filled, "written", word.line
    for word in command.options(*_INPUTS.get(command.name, ())):
        yield word.filled, "read", word.line
    yield from _by_operands(command)


def _redirected(command: ShellCommand) -> Iterator[tuple[str, str, int]]:
    for redirection in command.redirections:
        word = redirection.target
        if redirection.operator == "<":
            yield word.filled, "read", word.line
        elif redirection.writes and not (command.heredoc and redirection.of_output):
            yield word.filled, "appended" if redirection.operator in (">>", "&>>") else "written", word.line


def _executed(command: ShellCommand) -> Iterator[tuple[str, str, int]]:
    first = command.words[0] if command.words else None
    if first is not None and ("/" in first.filled or _SCRIPT.fullmatch(first.filled)) and not first.has_substitution:
        yield first.filled, "executed", first.line
    if (command.name in _INTERPRETERS and command.operands and not command.has_flag("-c", "-m", "-e")) or (
        command.name in ("source", ".") and command.operands
    ):
        yield command.operands[0].filled, "executed", command.operands[0].line


def _by_operands(command: ShellCommand) -> Iterator[tuple[str, str, int]]:
    name, operands = command.name, command.operands
    if name in _READERS | _OPERANDS_READ and name not in ("source", "."):
        yield from ((word.filled, "read", word.line) for word in operands)
    elif name in _PATTERN_FIRST:
        given = command.has_flag("-e", "-f", "--regexp", "--file", "--from-file")
        yield from ((word.filled, "read", word.line) for word in (operands if given else operands[1:]))
    elif name in _REMOVERS:
        yield from ((word.filled, "removed", word.line) for word in operands)
    elif name in _LISTERS:
        yield from ((word.filled, "listed", word.line) for word in _folders(command))
    elif name in _MOVERS and len(operands) > 1:
        yield from ((word.filled, "read", word.line) for word in operands[:-1])
        yield operands[-1].filled, "written", operands[-1].line
    elif name == "mkdir":
        yield from ((word.filled, "made", word.line) for word in operands)
    elif name in ("touch", "tee", "truncate"):
        appends = name == "tee" and command.has_flag("-a", "--append")
        yield from ((word.filled, "appended" if appends else "written", word.line) for word in operands)
    elif name in _COMPRESSORS and not command.has_flag("-d", "--decompress", "-t", "--test"):
        yield from ((word.filled + _COMPRESSORS[name], "written", word.line) for word in operands)
    elif name == "tar":
        yield from _of_tar(command)


def _folders(command: ShellCommand) -> Sequence[Word]:
    """What find searches: its operands before the first test."""
    if command.name != "find":
        return command.operands
    found: list[Word] = []
    for word in command.arguments:
        if word.filled.startswith(("-", "(", "!", "\\(")) and word.filled not in ("-L", "-H", "-P"):
            break
        found.append(word)
    return found


def tar_mode(command: ShellCommand) -> str:
    """c, x, t, r or u: what tar is told to do (tar(1)); the old form without a hyphen too."""
    first = command.arguments[0].filled if command.arguments else ""
    letters = first if re.fullmatch(r"[A-Za-z]+", first) else "".join(flag[1:] for flag in command.flags if re.fullmatch(r"-\w", flag))
    long = {"--create": "c", "--extract": "x", "--get": "x", "--list": "t"}
    return next((letter for letter in letters if letter in "cxtru"), next((long[flag] for flag in command.flags if flag in long), ""))


def tar_archive(command: ShellCommand) -> Word | None:
    """The archive that tar reads or writes; None for standard input or output."""
    given = command.option("-f", "--file")
    if given is None and command.arguments and re.fullmatch(r"[A-Za-z]*f", command.arguments[0].filled) and len(command.arguments) > 1:
        given = command.arguments[1]
    return given


def _of_tar(command: ShellCommand) -> Iterator[tuple[str, str, int]]:
    archive = tar_archive(command)
    mode = tar_mode(command)
    if archive is not None:
        yield archive.filled, "written" if mode in ("c", "r", "u") else "read", archive.line
    if mode == "c":
        yield from ((word.filled, "read", word.line) for word in command.operands if archive is None or word.filled != archive.filled)
