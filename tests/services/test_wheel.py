"""The wheel builds, installs with its pinned requirements into an empty environment, and runs there, with no checkout near."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import keepwell
from tests.support import missing

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ("--build-constraints", str(ROOT / "requirements-tools.txt"))

pytestmark = [pytest.mark.xdist_group("wheel"), pytest.mark.timeout(300)]


def uv() -> str:
    path = shutil.which("uv") or ROOT / ".tools/bin/uv"
    if not Path(path).exists():
        missing("uv is neither on PATH nor in .tools (make installs it)")
    return str(path)


def run(*command: str | Path, folder: Path, path: Sequence[str] = ("/usr/bin", "/bin")) -> subprocess.CompletedProcess[str]:
    """Runs a program with a clean environment but for what reaches the package registry."""
    kept = ("HOME", "SSL_CERT_FILE", "UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "http_proxy", "https_proxy", "no_proxy", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"PATH": os.pathsep.join(path), "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy", "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(uv(), "build", "--wheel", *CONSTRAINTS, "--out-dir", folder, "--python", sys.executable, ROOT, folder=folder)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("keepwell-*.whl")
    return found


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of an empty environment into which only the wheel and its requirements went."""
    folder = tmp_path_factory.mktemp("empty")
    python = folder / "bin/python"
    for command in (
        ("venv", "--python", sys.executable, folder),
        ("pip", "install", "--python", python, "--require-hashes", "--requirements", ROOT / "requirements.txt"),
        ("pip", "install", "--python", python, "--no-deps", "--offline", wheel),
        ("pip", "check", "--python", python),
    ):
        answer = run(uv(), *command, folder=folder)
        assert answer.returncode == 0, answer.stderr
    return folder / "bin/keepwell"


def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src/keepwell").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= names
    assert all(name.startswith(("keepwell/", f"keepwell-{keepwell.__version__}.dist-info/")) for name in names)
    assert f"keepwell-{keepwell.__version__}.dist-info/licenses/LICENSE" in names


def test_it_says_its_version_and_helps(program: Path, tmp_path: Path) -> None:
    version = run(program, "--version", folder=tmp_path)
    assert (version.returncode, version.stdout) == (0, f"keepwell {keepwell.__version__}\n")
    helped = run(program, "--help", folder=tmp_path)
    assert helped.returncode == 0
    for command in ("accept", "check", "demo", "import", "init", "journal", "reload", "schema", "status", "up", "validate"):
        assert f"\n    {command} " in helped.stdout


def test_a_first_operations_directory_validates(program: Path, tmp_path: Path) -> None:
    made = run(program, "init", "operations", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    valid = run(program, "validate", "operations", folder=tmp_path)
    assert valid.returncode == 0, valid.stdout + valid.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["operations"]
