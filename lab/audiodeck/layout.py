"""Where AudioDeck's files lie: the paths of its manual, below a root of their own; and how they are made."""

import json
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keepwell.demo.laboratory.certificates import write_certificates
from keepwell.demo.laboratory.sound import write_tone

from .programs import MACHINE

REPOSITORY = Path(__file__).resolve().parents[2]
LOGS = ("application", "health", "metrics", "error", "access", "audit")
LEFTOVER = "startup.log.old"
TONES = ("tone.wav", "test-tone.mp3")
"""The tone that health opens, and the one that the manual plays by POST. Both hold the same 16 bit sound."""

_LAUNCHER = """#!{python}
import sys

sys.path.insert(0, {repository!r})
from lab.audiodeck.server import main

main(__file__)
"""
_UNIT = """[Unit]
Description=AudioDeck Connect (stand-in)

[Service]
ExecStart={python} {program} --parent {{parent}}
ExecReload=kill -HUP $MAINPID
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one AudioDeck."""

    root: Path

    @property
    def home(self) -> Path:
        """The program, its settings, sounds and the program to fall back to."""
        return self.root / "opt" / "audiodeck"

    @property
    def logs(self) -> Path:
        """Its logs."""
        return self.root / "var" / "log" / "audiodeck"

    @property
    def backups(self) -> Path:
        """Where backups go."""
        return self.root / "backup"

    @property
    def temporary(self) -> Path:
        """What /tmp is for its manual."""
        return self.root / "tmp"

    @property
    def run(self) -> Path:
        """Notes and sockets of what runs now; never backed up."""
        return self.root / "run"

    @property
    def programs(self) -> Path:
        """systemctl and journalctl as AudioDeck's own manager answers them; to be put first on PATH."""
        return self.root / "bin"

    @property
    def unit(self) -> Path:
        """The unit file, which the manager starts the server by."""
        return self.root / "etc" / "systemd" / "system" / "audiodeck.service"

    @property
    def program(self) -> Path:
        """The server."""
        return self.home / "audiodeck-server"

    @property
    def settings(self) -> Path:
        """The settings, which name the port."""
        return self.home / "config" / "audiodeck.json"

    @property
    def clock(self) -> Path:
        """Where this file is, it says in seconds since 1970 what time it is in AudioDeck's logs (a laboratory whose time is played)."""
        return self.run / "clock"

    def now(self) -> datetime:
        """The instant that AudioDeck writes into its logs."""
        try:
            return datetime.fromtimestamp(float(self.clock.read_text("ascii")), UTC)
        except (OSError, ValueError):
            return datetime.now(UTC)

    def make(self, port: int) -> None:
        """Makes everything; what is there already (settings, logs, backups) is kept."""
        inner = ("audio", "config", "backup", "scripts", "faults", "run")
        for folder in (*(self.home / name for name in inner), self.logs / "archive", self.backups, self.temporary, self.run, self.programs):
            folder.mkdir(parents=True, exist_ok=True)
        self.unit.parent.mkdir(parents=True, exist_ok=True)
        self.write_program()
        shutil.copy2(self.program, self.home / "backup" / "audiodeck-server")
        self.unit.write_text(_UNIT.format(python=sys.executable, program=shlex.quote(str(self.program))), "utf-8")
        self.write_settings(port)
        (self.home / "devices.json").write_text(json.dumps([{"name": "left", "channel": 1}, {"name": "right", "channel": 2}]), "utf-8")
        self.write_tones()
        self._make_leftover()
        self._make_certificates()
        for name in LOGS:
            (self.logs / f"{name}.log").touch()
        own = Path(__file__).with_name("systemctl.py").read_text("utf-8")
        for name in ("systemctl", "journalctl"):
            (self.programs / name).write_text(f"#!{sys.executable} -IS\n{own}", "utf-8")
            (self.programs / name).chmod(0o755)
        for name, text in MACHINE.items():
            (self.programs / name).write_text(text.format(root=shlex.quote(str(self.root))), "utf-8")
            (self.programs / name).chmod(0o755)

    def write_program(self) -> None:
        """The server, which everybody can start."""
        self.program.write_text(_LAUNCHER.format(python=sys.executable, repository=str(REPOSITORY)), "utf-8")
        self.program.chmod(0o755)

    def write_settings(self, port: int) -> None:
        """The settings."""
        self.settings.write_text(json.dumps({"port": port}, indent=2), "utf-8")

    def write_tones(self) -> None:
        """Both sounds."""
        (self.home / "audio").mkdir(exist_ok=True)
        for tone in TONES:
            write_tone(self.home / "audio" / tone)

    def _make_leftover(self) -> None:
        """A log that was set aside two months ago."""
        leftover = self.logs / LEFTOVER
        leftover.write_text("first start\n", "utf-8")
        then = datetime.now(UTC).timestamp() - 60 * 86400
        os.utime(leftover, (then, then))

    def _make_certificates(self) -> None:
        folder = self.root / "tls"
        folder.mkdir(exist_ok=True)
        write_certificates(folder, datetime.now(UTC))
        self.use_certificate("valid")

    def use_certificate(self, name: str) -> None:
        """Makes ``valid`` or ``expired`` the certificate of the settings."""
        shutil.copyfile(self.root / "tls" / f"{name}.pem", self.home / "config" / "cert.pem")
