"""``make deps``: knows every program that a test asks for, does nothing when all are there, and leaves the policy on services as it was."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ROOT / "scripts" / "servers.txt"
OF_POSTGRESQL = {"initdb", "pg_ctl", "psql", "createdb", "pg_isready"}
OF_THE_SYSTEM = {"make", "setpriv", "unshare", "bash", "sh", "du", "prlimit", "apt-get", "tar", "gzip", "zgrep", "getent"}
"""What an installed Debian has anyhow."""


def programs() -> dict[str, str]:
    lines = [line.split(maxsplit=2) for line in SERVERS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {program: package for program, package, _ in lines}


def test_every_program_that_a_test_needs_is_installed_by_make_deps() -> None:
    asked = {
        name: path.name
        for path in ROOT.joinpath("tests").rglob("*.py")
        for name in re.findall(r'\bneed\("([\w.-]+)"\)', path.read_text("utf-8"))
    }
    known = set(programs()) | OF_POSTGRESQL | OF_THE_SYSTEM
    assert {name: file for name, file in asked.items() if name not in known} == {}


class Sandbox:
    """A copy of the script with a list of its own, an apt-get that writes down what it is asked, and a policy file of its own."""

    def __init__(self, folder: Path, apt_get: str | None, listed: str) -> None:
        self.folder = folder
        self.policy = folder / "policy-rc.d"
        self.seen = folder / "seen"
        scripts, self.bin = folder / "scripts", folder / "bin"
        scripts.mkdir()
        self.bin.mkdir()
        shutil.copy(ROOT / "scripts" / "install-servers", scripts)
        scripts.joinpath("servers.txt").write_text(listed)
        self.program("sudo", 'exec "$@"')
        if apt_get is not None:
            self.program("apt-get", apt_get)

    def program(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def run(self, path: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": path or f"{self.bin}:{os.environ['PATH']}",
            "KEEPWELL_POLICY_FILE": str(self.policy),
            "SEEN": str(self.seen),
            "TMPDIR": str(self.folder),
        }
        return subprocess.run(
            ["/bin/bash", self.folder / "scripts/install-servers"], env=environment, capture_output=True, text=True, check=False
        )


MISSING = "# a comment\nbash bash is there\nno-such-program some-package for this test\n"
LOOKS = 'echo "$@" >>"$SEEN"; cat "$KEEPWELL_POLICY_FILE" >>"$SEEN"; [[ $* == *install* ]] || exit 0'


def test_nothing_is_done_when_all_are_there(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, LOOKS, "bash bash is there\n")
    answer = sandbox.run()
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert not sandbox.seen.exists()


@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 0\n"], ids=["no policy before", "the owner's policy before"])
@pytest.mark.parametrize("succeeds", [True, False])
def test_services_may_not_start_meanwhile_and_the_policy_is_put_back(tmp_path: Path, before: str | None, succeeds: bool) -> None:
    makes = 'printf "#!/bin/sh" >"${0%/*}/no-such-program"; chmod 755 "${0%/*}/no-such-program"'
    sandbox = Sandbox(tmp_path, f"{LOOKS}\n{makes if succeeds else 'echo no such package; exit 100'}", MISSING)
    if before is not None:
        sandbox.policy.write_text(before)
    answer = sandbox.run()
    assert answer.returncode == (0 if succeeds else 1), answer.stderr
    assert "some-package" in sandbox.seen.read_text()
    assert "exit 101" in sandbox.seen.read_text()
    assert (sandbox.policy.read_text() if sandbox.policy.exists() else None) == before
    assert succeeds or "no such package" in answer.stderr


def test_a_policy_left_by_a_killed_run_is_no_owners_policy(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, LOOKS, MISSING)
    sandbox.policy.write_text("#!/bin/sh\n# made by keepwell: make deps\nexit 101\n")
    (tmp_path / "policy-rc.d.before-keepwell").write_text("#!/bin/sh\nexit 0\n")
    sandbox.run()
    assert sandbox.policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert not (tmp_path / "policy-rc.d.before-keepwell").exists()


def test_where_there_is_no_apt_the_packages_are_named(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, None, MISSING)
    for name in ("bash", "dirname", "tr", "cat", "id", "grep"):
        (sandbox.bin / name).symlink_to(shutil.which(name) or "")
    answer = sandbox.run(path=str(sandbox.bin))
    assert answer.returncode == 1
    assert "this is not Debian; install these by your own means: some-package" in answer.stderr
