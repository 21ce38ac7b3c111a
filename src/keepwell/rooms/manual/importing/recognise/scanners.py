"""Scanners for known flaws and unwanted software: trivy, grype, clamscan, lynis, rkhunter and their like."""

from keepwell.rooms.manual.importing.command_words import arguments_of, done, is_here, kept_in, looked, main_command, understood, words
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = {
    "trivy": "--severity --exit-code --format --ignore-unfixed --scanners --timeout -q --quiet --no-progress -o --output",
    "grype": "--fail-on -o --only-fixed -q",
    "snyk": "--severity-threshold --json",
    "clamscan": "-r -i --recursive --infected --quiet --no-summary",
    "clamdscan": "-i --infected --quiet --fdpass --multiscan",
    "freshclam": "--quiet",
    "lynis": "-Q --quick -q --quiet --cronjob",
    "rkhunter": "--check -c --sk --skip-keypress --rwo --update --propupd",
    "chkrootkit": "-q",
    "gitleaks": "--no-banner -v --redact --source",
    "nmap": "-p -sV -sT -sS -Pn -A -O -F",
    "nikto": "-h -host -p",
    "aide": "--check --update --init",
    "semgrep": "--config",
    "bandit": "-r -ll",
}
_JUDGES = {"trivy": ("--exit-code",), "grype": ("--fail-on",), "snyk": ("--severity-threshold",)}
"""Options by which a scanner's exit status tells what was found."""
_OTHERS = {"nmap": "security.network", "gitleaks": "security.secrets", "aide": "security.permissions"}


def read(view: View) -> Found | None:
    """What an item that scans becomes: a check where its exit status tells what it found, else a step whose output a person reads."""
    command = main_command(view, *_FLAGS)
    if command is None:
        return None
    clear = understood(view, command, words(_FLAGS[command.name]))
    what = {"trivy": command.subcommand, "lynis": "audit"}.get(command.name, "scan") or "scan"
    operation = f"{command.name}.{what}" if clear else ""
    capabilities = with_purpose(view, _OTHERS.get(command.name, "security.vulnerabilities"), "security.vulnerabilities")
    run = arguments_of(view, command)
    if (
        command.has_flag(*_JUDGES.get(command.name, ()))
        and operation
        and run
        and not command.has_flag("-o", "--output")
        and command.is_last
        and is_here(command)
        and not kept_in(view, command)
    ):
        return looked(view, capabilities, operation, (CheckDraft("command", {"run": list(run)}, every="1d"),))
    return done(view, capabilities, operation)


RECOGNISER = Recogniser(
    "scanners",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    tuple(_FLAGS),
    order=45,
    example="""\
# Shop

## Security

```bash
trivy image --exit-code 1 --severity CRITICAL registry.local/shop:1.4
clamscan -r /srv/shop
```
""",
)
