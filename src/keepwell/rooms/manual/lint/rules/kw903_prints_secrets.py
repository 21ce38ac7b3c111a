"""KW903: a command that prints secrets to the terminal or into a log."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import GREPS, pattern_of, short
from .secret_words import SECRET_NAME

_SECRET_WORD = re.compile(r"key|token|secret|pass|pwd|cred|auth", re.IGNORECASE)
_SECRET_FILE = re.compile(
    r"(^|/)(\.env(\.\w+)?|\.pgpass|\.netrc|credentials|id_(rsa|ed25519|ecdsa)|[\w-]+\.key|[\w-]*secrets?[\w-]*\.(ya?ml|json|env))$"
)


def _check(manual: Manual) -> Iterator[Finding]:
    for command in manual.commands:
        shown = command.pipeline[-1].output.how == "shown" or (command.pipeline[-1].output.how == "file" and _is_log(command))
        sentence, fix = (
            (_environment(command, manual) or _created(command) or _cluster(command) or _file(command) or ("", "")) if shown else ("", "")
        )
        if sentence:
            yield Finding(command.line, sentence, command.end_line, command.column, fix, width=len(command.name))


def _is_log(command: ShellCommand) -> bool:
    return bool(re.search(r"\.(log|txt|md)\b", command.pipeline[-1].output.detail))


def _environment(command: ShellCommand, manual: Manual) -> tuple[str, str] | None:
    """``printenv | grep -E "(STRIPE|REDIS)"``: names and values."""
    if command.name not in ("printenv", "env") or command.operands or (command.name == "env" and len(command.words) > 1):
        return None
    rest = command.pipeline[1:]
    if any(part.name in ("cut", "sed", "awk", "wc") or (part.name in GREPS and part.has_flag("-q", "-c", "-o")) for part in rest):
        return None
    patterns = [pattern.filled for part in rest if part.name in GREPS and not part.has_flag("-v") and (pattern := pattern_of(part))]
    if not patterns:
        return None
    names = re.findall(r"[A-Za-z_]\w+", patterns[0])
    if not any(_SECRET_WORD.search(word) or _holds_secrets(word, manual) for word in names):
        return None
    return (
        f"{command.name} prints the values of {short(', '.join(names[:5]))} in clear, keys and passwords among them",
        "print names only: | cut -d= -f1",
    )


def _holds_secrets(prefix: str, manual: Manual) -> bool:
    """Whether the manual elsewhere names a variable with this prefix that holds a secret, or that word's URL with a password."""
    shape = re.compile(rf"\b({re.escape(prefix)}_\w*(?:KEY|TOKEN|SECRET|PASSWORD|PASS))\b")
    return prefix.isupper() and any(shape.search(line) for line in manual.lines)


def _created(command: ShellCommand) -> tuple[str, str] | None:
    words = [word.text for word in command.operands[:2]]
    if command.name == "aws" and words in (["iam", "create-access-key"], ["secretsmanager", "get-secret-value"]) and command.is_last:
        what = "the new secret key" if words[0] == "iam" else "the secret"
        return (
            f"aws {' '.join(word or '' for word in words)} prints {what}, which then stands in the terminal's history and any "
            "log of the session",
            ("write it where it belongs: umask 077; aws ... > FILE, or pipe it into the secret store"),
        )
    return None


def _cluster(command: ShellCommand) -> tuple[str, str] | None:
    output = command.option("-o", "--output")
    kind = command.operands[1].filled if len(command.operands) > 1 else ""
    whole = output is not None and re.fullmatch(r"ya?ml|json", output.filled)
    if command.name in ("kubectl", "oc") and command.subcommand == "get" and re.match(r"secrets?(/|$)", kind) and whole and command.is_last:
        return (
            f"{command.name} get secret -o {output.filled if output else ''} prints all values, merely encoded in base64",
            "kubectl describe secret shows names and sizes",
        )
    return None


def _file(command: ShellCommand) -> tuple[str, str] | None:
    if command.name in ("cat", "less", "more", "head") and command.is_last and not command.redirections:
        path = next((word.filled for word in command.operands if _SECRET_FILE.search(word.filled)), "")
        return (f"{command.name} {short(path)} prints its secrets to the terminal", "look at the names only: cut -d= -f1") if path else None
    if command.name == "echo" and command.is_last and not command.redirections and not command.depth:
        word = next((word for word in command.operands if any(SECRET_NAME.search(name) for name in word.variables)), None)
        plain = word is not None and re.fullmatch(r"\"?\$\{?\w+\}?\"?", word.raw)
        return (f"echo {word.raw} prints the secret to the terminal", "test that it is set: [ -n ... ]") if word and plain else None
    return None


RULE = Rule(
    id="KW903",
    name="prints-secrets",
    title="A command prints secrets",
    severity=Severity.ERROR,
    why="What is printed stays: in the terminal's scroll-back, in recorded sessions, in the log of the job that runs it, on a "
    "shared screen. For an audit of "
    "variables their names are enough, and a new key belongs into the file or store that uses it, not onto the screen. "
    "Source: https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html",
    bad='# Audit\n\n```bash\nprintenv | grep -E "TOKEN|SECRET" | sort\n```\n',
    good='# Audit\n\n```bash\nprintenv | cut -d= -f1 | grep -E "TOKEN|SECRET" | sort\nprintenv PATH\nenv LANG=C sort names.txt\n```\n',
    check=_check,
)
