"""apt, yum, dnf, zypper, apk, pip and snap: which updates wait, and bringing them in."""

from keepwell.rooms.manual.importing.command_words import done, is_a_choice, is_here, kept_in, looked, main_command, understood, words
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purpose_in, with_purpose, within
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_SYSTEM = (
    "apt",
    "apt-get",
    "yum",
    "dnf",
    "zypper",
    "apk",
    "snap",
    "unattended-upgrade",
    "unattended-upgrades",
    "needrestart",
    "dpkg",
    "rpm",
)
_LANGUAGES = ("pip", "pip3", "pipx", "gem", "composer", "bundle")
_FLAGS = words(
    "-y --yes --assume-yes -q -qq --only-upgrade --no-install-recommends --upgradable --security -s --dry-run --simulate -r "
    "--purge --upgrade -U --outdated -f --fix-broken --installed -u -l"
)
_UPGRADES = words("update upgrade full-upgrade dist-upgrade refresh")
_WAITING = frozenset(("check-update", "list-updates", "list-patches"))
_SECURITY = words("clamav rkhunter lynis trivy fail2ban chkrootkit aide")
_PURPOSES = {"k6": "loadtest", "wrk": "loadtest", "logwatch": "logs.analyse", "certbot": "security.certificates"}


def read(view: View) -> Found | None:
    """What an item that manages packages becomes."""
    command = main_command(view, *_SYSTEM, *_LANGUAGES)
    if command is None:
        return None
    program, verb = command.name.removesuffix("-get").removesuffix("3"), command.subcommand
    clear = understood(view, command, _FLAGS)
    speaks = verb and command.name not in ("needrestart", "unattended-upgrade", "unattended-upgrades")
    operation = (f"{program}.{verb.replace('-', '_')}" if speaks else f"{program}.run") if clear else ""
    if command.name in _LANGUAGES:
        return done(view, with_purpose(view, "security.updates" if "--outdated" in command.flags else "update"), operation)
    if verb in _WAITING or (verb == "list" and command.has_flag("--upgradable", "-u")):
        return _waiting(view, command, f"{program}.list_upgradable" if clear else "")
    if verb == "install" and not command.has_flag("--only-upgrade"):
        return done(view, _installing(view, command), operation)
    if verb in ("autoremove", "clean", "autoclean"):
        return done(view, with_purpose(view, "cleanup"), operation)
    if verb in _UPGRADES or command.name.startswith("unattended"):
        return done(view, with_purpose(view, "security.updates"), operation)
    return done(view, with_purpose(view, "security.updates", "update"), operation)


def _waiting(view: View, command: ShellCommand, operation: str) -> Found:
    """Which updates wait. It is judged by whether security updates are among them: others may wait for the window."""
    capabilities = ("security.updates", "update")
    if kept_in(view, command):
        return done(view, capabilities, operation)
    if is_a_choice(command) or not is_here(command):
        return looked(
            view, capabilities, operation, reason="it is for hosts that have this package manager; which have it, the manual leaves open"
        )
    if command.name not in ("apt", "apt-get", "dnf", "yum"):
        return looked(view, capabilities, operation, (CheckDraft("command", {"run": [command.name, "check-update"]}, every="1d"),))
    reason = "it is judged by whether security updates are among them; a pending reboot is another matter"
    return looked(view, capabilities, operation, (CheckDraft("updates", {"reboot": "ok"}, name="security-updates", every="1d"),), reason)


def _installing(view: View, command: ShellCommand) -> tuple[str, ...]:
    packages = {word.filled for word in command.operands[1:]}
    known = next((purpose for package, purpose in _PURPOSES.items() if package in packages), "")
    if known:
        return with_purpose(view, known)
    if packages & _SECURITY:
        return with_purpose(view, "security.vulnerabilities")
    return with_purpose(view, "update" if within(view, "update", "security") or purpose_in(view.comment) == "update" else "deploy")


RECOGNISER = Recogniser(
    "packages",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    (*_SYSTEM, *_LANGUAGES),
    order=45,
    example="""\
# Shop

## Weekly updates

```bash
sudo apt update
apt list --upgradable | grep -i security
sudo apt upgrade -y
```
""",
)
