"""Programs that a manual calls, as wrappers over Keepwell: which command stands for which name, and what the wrappers do when run."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keepwell.rooms.manual.provide.decide import Facts, Program, programs_of, wrapper
from keepwell.rooms.manual.provide.work import provide
from keepwell.rooms.manual.reading.document import read_manual

MANUAL = b"""\
# Shop

```bash
#!/bin/bash
# /opt/shop/scripts/backup.sh
tar -czf /backup/shop.tar.gz /opt/shop
```

```bash
# Every night
0 0 * * * /opt/shop/scripts/rotate-logs.sh
0 9 * * 1 /opt/shop/scripts/weekly-report.sh
```

```bash
python3 /opt/shop/scripts/performance-analysis.py
./frobnicate.sh
/opt/shop/scripts/rotate-logs.sh
```
"""
FACTS = Facts({"runbooks/backup.md": ("backup",)}, ("shop",), ("shop",), ("ports", "files"))


def test_each_name_has_its_command() -> None:
    found = {one.name: one for one in programs_of(read_manual(MANUAL, "shop.md"), FACTS)}
    assert found["backup.sh"].command == ("run", "runbooks/backup.md")
    assert found["rotate-logs.sh"].command == ("logs", "rotate", "shop")
    assert found["rotate-logs.sh"].lines == (11, 18)
    assert found["weekly-report.sh"].command == ("report", "weekly", "--period", "week")
    assert found["performance-analysis.py"].command == ("report", "capacity", "--period", "month")
    assert found["frobnicate.sh"].why_not == "nothing in Keepwell does what its name says"


def test_a_script_that_is_one_step_of_several_runs_without_the_others() -> None:
    facts = Facts({"runbooks/week.md": ("update", "backup", "call-maria")})
    found = {one.name: one for one in programs_of(read_manual(MANUAL, "shop.md"), facts)}
    assert found["backup.sh"].command == ("run", "runbooks/week.md", "--skip", "update", "--skip", "call-maria")


def test_a_name_that_asks_for_another_report_or_for_a_test_is_taken_at_its_word() -> None:
    calls = b"```bash\n./generate_doc_report.py\n./test-monitoring.sh\n./docker-report.sh\n```\n"
    found = {one.name: one for one in programs_of(read_manual(calls, "a.md"), FACTS)}
    assert found["generate_doc_report.py"].command == ()
    assert found["test-monitoring.sh"].command == ("notify", "test")
    assert found["docker-report.sh"].command == ("report", "weekly", "--period", "week")


def test_a_name_that_could_mean_several_is_not_guessed() -> None:
    (one,) = programs_of(read_manual(b"```bash\n/opt/security-audit.sh\n```\n", "a.md"), FACTS)
    assert one.command == ()
    assert "several (ports, files)" in one.why_not


@pytest.mark.parametrize("name", ["rotate-logs.sh", "rotate-logs.py"])
def test_a_wrapper_gives_its_arguments_on(tmp_path: Path, name: str) -> None:
    """Whatever stands in names and folders: nothing of it is read by a shell."""
    strange = 'it\'s $(touch /tmp/never) `x` "y" \\ é'
    program = Program(name, (3,), ("logs", "rotate", strange))
    fake = tmp_path / "a keepwell"
    fake.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    fake.chmod(0o755)
    (tmp_path / name).write_text(wrapper(program, str(fake), f"/data/{strange}", "/ops\nrm -rf /"))
    runner = [sys.executable] if name.endswith(".py") else ["/bin/sh"]
    environment = {key: value for key, value in os.environ.items() if key != "KEEPWELL"}
    ran = subprocess.run([*runner, tmp_path / name, "--json", "a b"], capture_output=True, text=True, check=True, env=environment)
    import json

    assert json.loads(ran.stdout) == ["logs", "rotate", strange, "--data", f"/data/{strange}", "--json", "a b"]


def test_a_file_of_ones_own_is_never_replaced(tmp_path: Path) -> None:
    own = Program("own.sh", (1,), ("status",))
    new = Program("new.sh", (2,), ("status",))
    linked = Program("linked.sh", (3,), ("status",))
    (tmp_path / "own.sh").write_text("echo mine\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "linked.sh").symlink_to(tmp_path / "elsewhere")
    done = provide([own, new, linked], tmp_path, "keepwell", tmp_path / "data", tmp_path / "ops")
    assert [one.became.split()[0] for one in done] == ["a", "written", "a"]
    assert (tmp_path / "own.sh").read_text() == "echo mine\n"
    assert not (tmp_path / "elsewhere").exists()
    assert stat.S_IMODE((tmp_path / "new.sh").stat().st_mode) & 0o111
    again = provide([new], tmp_path, "keepwell", tmp_path / "data", tmp_path / "ops")
    assert again[0].became == "unchanged"
    moved = provide([new], tmp_path, "keepwell", tmp_path / "other", tmp_path / "ops")
    assert moved[0].became == "written"


def test_a_program_that_only_speaks_of_wrappers_is_ones_own(tmp_path: Path) -> None:
    own = "#!/bin/sh\n# Takes the place of the one that was made by keepwell provide for line 3.\necho mine\n"
    (tmp_path / "own.sh").write_text(own)
    (one,) = provide([Program("own.sh", (1,), ("status",))], tmp_path, "keepwell", tmp_path / "data", tmp_path / "ops")
    assert "not made by keepwell provide" in one.became
    assert (tmp_path / "own.sh").read_text() == own
