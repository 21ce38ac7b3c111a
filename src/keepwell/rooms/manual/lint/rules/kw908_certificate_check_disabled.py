"""KW908: the check of the other side's certificate or key is switched off."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_WORDS = re.compile(
    r"^(--insecure-skip-tls-verify(=true)?|--insecure-skip-verify|--no-check-certificate|--no-verify-ssl|--trusted-host(=.*)?|--tls-verify=false|"
    r"--allow-unauthenticated|--nogpgcheck|--no-gpg-checks?|--tlsAllowInvalidCertificates|--sslAllowInvalidCertificates)$"
)
_INSTEAD = {
    "curl": "give the authority's certificate instead: curl --cacert FILE",
    "wget": "give the authority's certificate instead: wget --ca-certificate=FILE",
    "oc": "oc login --certificate-authority=FILE once; its kubeconfig then holds the certificate",
    "kubectl": "the authority's certificate in the kubeconfig, or --certificate-authority=FILE",
    "git": "git config http.sslCAInfo FILE",
    "pip": "pip --cert FILE",
    "pip3": "pip3 --cert FILE",
} | dict.fromkeys(
    ("ssh", "scp", "sftp", "rsync", "ssh-copy-id"),
    "the host's key in known_hosts, compared once (ssh-keyscan, or StrictHostKeyChecking=accept-new for the first time)",
)
_VARIABLES = {"GIT_SSL_NO_VERIFY": r"1|true", "NODE_TLS_REJECT_UNAUTHORIZED": "0", "PYTHONHTTPSVERIFY": "0"}


def _check(manual: Manual) -> Iterator[Finding]:
    for command in manual.commands:
        what = _switched_off(command)
        if what:
            yield Finding(
                command.line,
                f"{what} switches off the check of whom {_speaker(command)} talks to: anybody in between can read and change what "
                f"is sent{_token(command)}",
                command.end_line,
                _column(command),
                _INSTEAD.get(_speaker(command), "give the authority's certificate, or the host's key, instead"),
                width=max(1, len(_speaker(command))),
            )
    for script in manual.scripts:
        for assignment in script.assignments:
            value = assignment.value.filled if assignment.value else ""
            if assignment.name in _VARIABLES and re.fullmatch(_VARIABLES[assignment.name], value):
                yield Finding(assignment.line, f"{assignment.name}={value} switches off the check of certificates for all that follows")


def _switched_off(command: ShellCommand) -> str:
    if command.name in ("echo", "printf", "grep"):
        return ""
    local = any(re.search(r"//(localhost|127\.|\[::1)", word.filled) for word in command.operands)
    if command.name == "curl" and command.has_flag("-k", "--insecure") and not local:
        return "--insecure (-k)"
    if command.name in ("ssh", "scp", "sftp", "rsync", "ssh-copy-id"):
        word = next(
            (word.filled for word in command.arguments if re.search(r"StrictHostKeyChecking[= ]no", word.filled, re.IGNORECASE)), ""
        )
        return "StrictHostKeyChecking=no" if word else ""
    if (
        command.is_("git", "config")
        and any(word.text == "http.sslVerify" for word in command.operands)
        and command.operands[-1].text == "false"
    ):
        return "http.sslVerify false"
    word = next((word.filled for word in (*command.wrapper_words, *command.arguments) if _WORDS.match(word.filled)), "")
    return "" if local and command.name == "wget" else word


def _speaker(command: ShellCommand) -> str:
    """The program that is given the option: the word before it where another program (a function, xargs) starts it."""
    words = [word.filled for word in command.words]
    at = next((number for number, word in enumerate(words) if _WORDS.match(word)), 0)
    return words[at - 1] if at > 1 and re.fullmatch(r"oc|kubectl|helm|curl|wget|pip3?|argocd", words[at - 1]) else command.name


def _column(command: ShellCommand) -> int:
    """Where that program stands on the command's first line."""
    speaker = _speaker(command)
    return next((word.column for word in command.words if word.text == speaker and word.line == command.line), command.column)


def _token(command: ShellCommand) -> str:
    carries = any(re.match(r"authorization|x-[\w-]*token", word.filled, re.IGNORECASE) for word in command.options("-H", "--header"))
    return ", the token in the header too" if carries or (command.option("-u", "--user") is not None and command.name == "curl") else ""


RULE = Rule(
    id="KW908",
    name="certificate-check-disabled",
    title="The check of certificates is switched off",
    severity=Severity.WARNING,
    why="Without the check the connection is encrypted, but with whomever answers: somebody on the way can present a certificate "
    "of their own, read the "
    "token and answer what they like. A private authority is no reason to switch it off; its certificate can be named. "
    "Source: curl(1), -k and --cacert; RFC 6125; ssh_config(5), StrictHostKeyChecking.",
    bad="# Check\n\n```bash\ncurl -k -f https://api.example.org/health\n```\n",
    good="# Check\n\n```bash\ncurl --cacert /etc/ssl/shop-ca.pem -f https://api.example.org/health\ncurl -kf https://localhost:8443/health\n```\n",
    check=_check,
)
