"""What is committed: nothing of a developer's machine, versions that agree, commands in the README that exist."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import keepwell
from tests.support import need

ROOT = Path(__file__).resolve().parents[2]
HOMES = re.compile(rb"(?<![\w.~-])/(?:work/|home/(?!ada\b|newcomer\b|keepwell\b)[a-z]|Users/[A-Za-z]|root/(?!keepwell\b)[a-z])[\w./-]*")
"""Absolute paths that exist on one person's machine only."""


def committed() -> list[Path]:
    listing = subprocess.run(
        [need("git"), "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    files = committed()
    assert len(files) > 50
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode(errors='replace')}"
        for path in files
        if path != Path(__file__) and not path.name.endswith((".png", ".min.js"))
        for match in HOMES.finditer(path.read_bytes())
    ]
    assert found == []


def test_the_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert keepwell.__version__ == project["version"] == newest[1]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_every_make_command_of_a_page_exists(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = set(re.findall(r"(?:^|`|&& )make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= make_targets()
    assert page != "README.md" or {"demo", "test"} <= named


def test_make_help_names_every_target() -> None:
    shown = subprocess.run([need("make"), "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in shown.splitlines()} == make_targets()


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])])
def test_every_relative_link_leads_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        address, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (ROOT / page).parent / address if address else ROOT / page
        assert target.exists(), f"{page}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{page}: {link}: no such heading"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
