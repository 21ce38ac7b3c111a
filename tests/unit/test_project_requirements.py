"""What the project depends on: hashed, reachable by any index, in step with pyproject.toml, and under licences that allow it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-dev.txt", "requirements-tools.txt")
ACCEPTED = {
    "psycopg": "LGPL-3.0: optional (extra postgresql), imported as it is when a PostgreSQL URL is configured, never changed or shipped",
    "psycopg-binary": "LGPL-3.0: the compiled part of psycopg",
}


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pinned(file: str) -> dict[str, str]:
    """Name and version of each requirement, checked on the way for hashes and for nothing that is no requirement."""
    logical = (ROOT / file).read_text("utf-8").replace("\\\n", " ")
    found = {}
    for line in logical.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"([\w.-]+)==(\S+)(?: ; .+?)?((?: +--hash=sha256:[0-9a-f]{64})+)\s*", line)
        assert match, f"{file}: not a pinned requirement with hashes: {line[:80]}"
        found[canonicalize_name(match[1])] = match[2]
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned_and_hashed_and_no_index_is_named(file: str) -> None:
    assert len(pinned(file)) > 3
    assert "://" not in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize(
    ("file", "lists"),
    [
        (
            "requirements.txt",
            [("project", "dependencies"), ("project", "optional-dependencies", "postgresql"), ("project", "optional-dependencies", "ssh")],
        ),
        ("requirements-dev.txt", [("project", "dependencies"), ("dependency-groups", "dev")]),
        ("requirements-tools.txt", [("dependency-groups", "tools"), ("build-system", "requires")]),
    ],
)
def test_the_pins_satisfy_what_pyproject_asks_for(file: str, lists: list[tuple[str, ...]]) -> None:
    pins = pinned(file)
    for path in lists:
        wanted: object = project()
        for key in path:
            wanted = wanted[key]  # type: ignore[index]
        for requirement in map(Requirement, wanted):  # type: ignore[call-overload]
            version = pins.get(canonicalize_name(requirement.name))
            assert version, f"{requirement.name} is asked for and not pinned in {file}: make lock"
            assert requirement.specifier.contains(version), (
                f"{file} pins {requirement.name} {version}; asked for is {requirement}: make lock"
            )


def test_tests_run_on_the_versions_that_users_get() -> None:
    runtime, development = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert {name: development.get(name) for name in runtime} == runtime


def closure(name: str, extras: tuple[str, ...] = ("",)) -> Iterator[str]:
    """The installed distributions that an installed distribution needs in this environment, itself first."""
    seen: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        current, wanted = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        for text in metadata.requires(current) or ():
            requirement = Requirement(text)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in wanted):
                waiting.append((canonicalize_name(requirement.name), ("", *requirement.extras)))


def licence(name: str) -> str:
    about = metadata.metadata(name)
    classifiers = [line for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    words = [about.get("License-Expression") or (about.get("License") or "")[:60], *classifiers]
    return " / ".join(words) if any(words) else first_line_of_licence(name)


def first_line_of_licence(name: str) -> str:
    """What a package that declares no licence has in its licence file: the title of the text."""
    files = [file for file in metadata.files(name) or () if "licenses/" in str(file)]
    return next((line for file in files for line in file.read_text().splitlines() if line.strip()), "")


COMES_WITH = {
    "annotated-types": "pydantic",
    "h11": "uvicorn",
    "markupsafe": "jinja2",
    "multidict": "yarl",
    "pydantic-core": "pydantic",
    "starlette": "fastapi",
}
"""Imported, and pinned by the one it comes with, so not asked for by itself."""


def imported() -> Iterator[str]:
    """The top-level names of all modules that the package imports, wherever in a file the import stands."""
    for path in ROOT.joinpath("src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (name.name.split(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.split(".")[0]


def test_what_is_imported_is_asked_for() -> None:
    metadata_of_project = project()["project"]
    assert isinstance(metadata_of_project, dict)
    extras = metadata_of_project["optional-dependencies"].values()
    texts = [*metadata_of_project["dependencies"], *(text for extra in extras for text in extra)]
    asked = {canonicalize_name(Requirement(text).name) for text in texts}
    distributions = metadata.packages_distributions()
    standard = sys.stdlib_module_names | {"compression"}  # of Python 3.14 on
    foreign = {name for name in imported() if name not in standard and name != "keepwell"}
    needed = {canonicalize_name(distributions[name][0]) for name in foreign}
    assert len(needed) > 5
    assert needed <= asked | set(COMES_WITH)


def is_copyleft(words: str) -> bool:
    """Whether a licence is one of the GPL family; where it offers a choice (A OR B), whether all of them are."""
    offered = re.split(r" OR ", words.split(" / ")[0])
    return all(re.search(r"GPL|General Public License", one, re.IGNORECASE) for one in offered)


def test_nothing_that_keepwell_imports_is_under_the_gpl() -> None:
    names = list(closure("keepwell", ("", "postgresql", "ssh")))
    assert len(names) > 20
    unknown = [name for name in names if not licence(name).strip(" /")]
    copyleft = [name for name in names if is_copyleft(licence(name))]
    assert not unknown
    assert set(copyleft) <= set(ACCEPTED), f"not allowed: {set(copyleft) - set(ACCEPTED)}"
    assert all("Lesser" in licence(name) or "LGPL" in licence(name) for name in copyleft)
