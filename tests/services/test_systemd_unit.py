"""The service unit: systemd understands it, it is as closed as its comments say, and Keepwell's code bears its strictest memory rule."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import need

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "keepwell.service"
MODULES = "alembic.command, cryptography.x509, fastapi, httptools, jinja2, pydantic, psycopg, sqlalchemy, uvicorn, yaml"


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    analyze = need("systemd-analyze")
    text = UNIT.read_text("utf-8")
    program = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    assert program is not None
    copy = tmp_path / "keepwell.service"
    copy.write_text(text.replace(program[1], sys.executable))  # verify asks whether the program is installed
    answer = subprocess.run([analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_a_wrong_key_would_be_found(tmp_path: Path) -> None:
    analyze = need("systemd-analyze")
    copy = tmp_path / "keepwell.service"
    copy.write_text(UNIT.read_text("utf-8").replace("ProtectClock=yes", "ProtectClocks=yes"))
    answer = subprocess.run([analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    assert "ProtectClocks" in answer.stderr


def test_the_sandbox_is_tight() -> None:
    """systemd's own measure: 0 is closed, 10 is open; a threshold is given in tenths."""
    analyze = need("systemd-analyze")
    answer = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", "--threshold=20", UNIT], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Overall exposure level for keepwell.service" in answer.stdout


def test_the_code_bears_memory_deny_write_execute() -> None:
    """MemoryDenyWriteExecute=, as the kernel enforces it for one process: PR_SET_MDWE, Linux 6.3 (prctl(2))."""
    program = f"""
import ctypes, mmap, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    sys.exit(78)
except PermissionError:
    pass
import {MODULES}
from cryptography.hazmat.primitives.asymmetric import ec
ec.generate_private_key(ec.SECP256R1())
jinja2.Template("{{{{ 1 + 1 }}}}").render()
sqlalchemy.create_engine("sqlite://").connect().execute(sqlalchemy.text("select 1"))
pydantic.create_model("Model", number=(int, 1))(number=2)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if answer.returncode == 77:
        pytest.skip("the kernel has no PR_SET_MDWE (Linux 6.3)")
    assert answer.returncode == 0, answer.stderr
