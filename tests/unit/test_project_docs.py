"""Pages that are made from the code are what the code says."""

import subprocess
import sys
from pathlib import Path

from keepwell.kernel.exits import Exit

ROOT = Path(__file__).resolve().parents[2]


def test_generated_pages_are_current() -> None:
    answer = subprocess.run([sys.executable, "scripts/generate_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_table_of_exit_codes_has_every_code_once() -> None:
    commands, checks = (ROOT / "docs/exit-codes.md").read_text("utf-8").split("`keepwell check` answers")
    assert [line.split("|")[1].strip() for line in commands.splitlines() if line.startswith("| ") and "---" not in line][1:] == [
        str(code.value) for code in Exit
    ]
    assert all(f"| {code} |" in checks for code in range(4))
