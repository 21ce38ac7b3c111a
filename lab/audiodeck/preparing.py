"""A manual becomes an operations directory of the laboratory, by the commands that a user has: import, fill, provide, accept, validate."""

import getpass
import grp
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keepwell.kernel.durations import parse_duration
from keepwell.kernel.problems import KeepwellError

from .layout import REPOSITORY, Layout

OUTSIDE = REPOSITORY.parent / "shared" / "manuals" / "audiodeck-connect.md"
OWN = REPOSITORY / "lab" / "manual.md"
APPROVER = "second-operator"
"""Who approves what the first one starts: a token of their own."""
KEEPWELL = str(Path(sys.executable).with_name("keepwell"))

_FOLDERS = ("/opt/audiodeck", "/var/log/audiodeck", "/etc/systemd/system", "/backup/", "/tmp/")
_LOCAL = re.compile(r"(?<![\w./])(?:" + "|".join(map(re.escape, _FOLDERS)) + ")")
_OFTEN = re.compile(r"(?m)^( +every: )(?:[0-9]+s|[1-9]m|1[0-4]m)$")
_PROVE = """    prove:
      every: "0 5 * * 0,3"{start}
"""


class PreparingError(KeepwellError):
    """A command of the preparation did not do what it should."""

    code = "laboratory.preparing"


@dataclass(frozen=True, slots=True)
class ToldAt:
    """Where people are told: the address of a webhook, and HOST:PORT of a mail server."""

    hook: str
    mail: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is ready to be run. ``told`` is what each command printed."""

    manual: Path
    operations: Path
    data: Path
    environment: Mapping[str, str]
    told: Mapping[str, str]


def localised(text: str, layout: Layout, port: int) -> str:
    """The manual for a stand-in that lives below a root: its folders, its port and its account put in place of those that are written.

    Every line stays where it is, so the lines of a catalogue fit."""
    user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    text = _LOCAL.sub(lambda match: f"{layout.root}{match[0]}", text)
    for written, real in (
        ("localhost:3001", f"127.0.0.1:{port}"),
        (":3001", f":{port}"),
        ("grep 3001", f"grep {port}"),
        ("pgrep -f audiodeck-server", f"pgrep -f {layout.program}"),
        ("create 644 audiodeck audiodeck", f"create 644 {user} {group}"),
        ("chown audiodeck:audiodeck", f"chown {user}:{group}"),
        ("getent passwd audiodeck", f"getent passwd {user}"),
    ):
        text = text.replace(written, real)
    return text


def environment_of(layout: Layout, hook: str) -> dict[str, str]:
    """The environment of Keepwell and of what it runs: the stand-in's own programs come first."""
    kept = {name: value for name, value in os.environ.items() if name not in {"XDG_DATA_HOME", "NOTIFY_SOCKET", "WATCHDOG_USEC"}}
    return {**kept, "PATH": f"{layout.programs}:{kept.get('PATH', '/usr/bin:/bin')}", "ALERT_WEBHOOK": hook, "LC_ALL": "C.UTF-8"}


def prepare(layout: Layout, port: int, told_at: ToldAt, change: Callable[[Path], None], manual: Path | None = None) -> Prepared:
    """Does it. ``change`` changes the configuration last, before it is accepted. Raises PreparingError."""
    source = manual or (OUTSIDE if OUTSIDE.exists() else OWN)
    text = layout.root / "manual" / source.name
    text.parent.mkdir(parents=True, exist_ok=True)
    text.write_text(localised(source.read_text("utf-8"), layout, port), "utf-8")
    operations, data = layout.root / "operations", layout.root / "data"
    environment = environment_of(layout, told_at.hook)
    told: dict[str, str] = {}

    def run(*words: str, fine: tuple[int, ...] = (0,)) -> None:
        done = subprocess.run([KEEPWELL, *words], capture_output=True, text=True, env=environment, timeout=300, check=False)
        told[words[0]] = done.stdout + done.stderr
        if done.returncode not in fine:
            raise PreparingError(f"keepwell {words[0]} ended with {done.returncode}", hint=(done.stderr or done.stdout).strip()[-2000:])

    run("import", str(text), "-o", str(operations), "--data", str(data))
    run("fill", str(operations), "--data", str(data), "--set", "ALERT_WEBHOOK=secret:ALERT_WEBHOOK", fine=(0, 1))
    run("provide", str(operations), "--to", str(layout.home / "scripts"), "--data", str(data), fine=(0, 1))
    run("fill", str(operations), "--data", str(data), fine=(0, 1))
    own_settings(operations, layout, told_at, port)
    change(operations)
    run("validate", str(operations))
    run("accept", str(operations), "--yes")
    run("token", "create", APPROVER, "--permission", "runbooks.approve", "--data", str(data))
    secret = layout.run / "approver"
    secret.touch(mode=0o600)
    secret.write_text(next(word for word in told.pop("token").split() if word.startswith("kw_")), "ascii")
    return Prepared(text, operations, data, environment, told)


def own_settings(operations: Path, layout: Layout, told_at: ToldAt, port: int) -> None:
    """What a manual does not say and its team has to: who is told, who manages the service, what the words of its figures measure."""
    file = operations / "keepwell.yaml"
    template = Path(__file__).with_name("own.yaml").read_text("utf-8")
    values = {
        "@ROOT@": str(layout.root),
        "@HOOK@": told_at.hook,
        "@MAIL@": told_at.mail,
        "@PROGRAM@": str(layout.program),
        "@USER@": getpass.getuser(),
        "@PORT@": str(port),
    }
    for name, value in values.items():
        template = template.replace(name, value)
    written = file.read_text("utf-8")
    if "\nservices:\n" in written:
        return  # an earlier play's
    for part in re.split(r"(?m)^(?=[a-z_]+:\n)", template):
        written = _with_section(written, part.rstrip())
    file.write_text(_with_backups_proved(_with_scripts_replaced(written), layout), "utf-8")


def _with_section(text: str, part: str) -> str:
    """A section's entries added to those that are written; what import wrote under the same name stays."""
    heading, _, entries = part.partition("\n")
    if f"\n{heading}\n" not in text:
        return f"{text.rstrip()}\n\n{part}\n" if part else text
    before, _, rest = text.partition(f"\n{heading}\n")
    own = re.split(r"\n(?=[a-z_]+:)", f"\n{rest}", maxsplit=1)[0]
    new = [entry.rstrip() for entry in re.split(r"(?m)^(?=  \S)", entries) if entry.strip() and f"\n{entry.partition(':')[0]}:" not in own]
    return "\n".join((before, heading, *new, rest))


def _with_scripts_replaced(text: str) -> str:
    """What waits for a script that the manual does not bring is done by Keepwell's own log policy and report."""
    return text.replace("waits_for: rotate-logs.sh", "rotate: audiodeck").replace("waits_for: weekly-report.sh", "report: weekly")


def _with_backups_proved(text: str, layout: Layout) -> str:
    """Every backup is proved twice a week, that of everything by starting the service from it; one that has no place gets the first."""
    before, heading, rest = text.partition("\nbackups:\n")
    backups, after = re.split(r"\n(?=[a-z_]+:\n)", rest, maxsplit=1)
    place = re.search(r"(?m)^    to: .*$", backups)
    entries = re.split(r"(?m)^(?=  [a-z][a-z0-9-]*:$)", backups)
    proved = []
    for entry in entries:
        more = "" if "\n    to: " in entry or place is None else f"{place[0]}\n"
        proof = more + _PROVE.format(start=_start(layout) if "audiodeck-backup" in entry else "").rstrip()
        entry = re.sub(r"(?m)^    every: .*$", lambda match, proof=proof: f"{match[0]}\n{proof}", entry)
        proved.append(entry)
    return f"{before}{heading}{''.join(proved)}\n{after}"


def _start(layout: Layout) -> str:
    inside = str(layout.program).lstrip("/")
    return f"""
      start:
        run: 'exec "$KEEPWELL_RESTORED/{inside}" --parent $PPID --port "$KEEPWELL_PORT"'
        checks: [health]"""


def slow_down(operations: Path, every: str = "2h") -> None:
    """Checks that look more often than each quarter of an hour look only so often: weeks are played, and every look is a real one."""
    file = operations / "keepwell.yaml"
    before, checks, rest = file.read_text("utf-8").partition("\nchecks:\n")
    mine, rules, after = rest.partition("\nrules:\n")
    measured, tasks, after = after.partition("\ntasks:\n")
    mine = _OFTEN.sub(rf"\g<1>{every}", mine)
    measured = re.sub(r"(?m)^( +)(severity|warning): ", r"\g<1>every: 4h\n\g<1>\g<2>: ", measured)
    # Figures that count looks count them at this pace.
    seconds = parse_duration(every).total_seconds()
    text = before + checks + mine + rules + measured + tasks + after
    text = text.replace("* 30 / 86400", f"* {seconds:.0f} / 86400").replace("}[1h])", f"}}[{3 * seconds:.0f}s])")
    file.write_text(text, "utf-8")
