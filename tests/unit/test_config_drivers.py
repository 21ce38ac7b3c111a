"""Drivers found by folder scan and by entry points."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

from keepwell.config.drivers import FolderDrivers
from keepwell.kernel.problems import ConfigurationError, NotFound


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with three modules of which one breaks when it is imported, and a distribution that adds drivers."""
    folder = tmp_path / "imagined_kinds"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "http.py").write_text("DRIVER = 'the http driver'\n")
    (folder / "broken.py").write_text("raise RuntimeError('imported')\n")
    (folder / "_shared.py").write_text("raise RuntimeError('imported')\n")
    (folder / "notes.txt").write_text("no module")
    (tmp_path / "imagined_more.py").write_text("DRIVER = 'another'\nVALUE = 'a value'\n")
    metadata = tmp_path / "imagined-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: imagined\nVersion: 1.0\n")
    entries = "[imagined.kinds]\nmore = imagined_more\nvalue = imagined_more:VALUE\nabsent = imagined_absent\nhttp = imagined_more\n"
    (metadata / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(tmp_path)
    yield "imagined_kinds"  # type: ignore[misc]
    for name in [name for name in sys.modules if name.startswith("imagined_")]:
        del sys.modules[name]


def test_names_are_listed_without_importing(package: str) -> None:
    drivers = FolderDrivers(package, "imagined.kinds")
    assert drivers.names() == ["absent", "broken", "http", "more", "value"]
    assert not [name for name in sys.modules if name.startswith(("imagined_kinds.", "imagined_more"))]


def test_only_what_is_asked_for_is_imported(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not(**_: object) -> None:
        raise AssertionError("entry points were looked for")

    monkeypatch.setattr(importlib.metadata, "entry_points", must_not)
    assert FolderDrivers(package, "imagined.kinds").load("http") == "the http driver"
    assert [name for name in sys.modules if name.startswith("imagined_")] == ["imagined_kinds", "imagined_kinds.http"]


def test_entry_points_give_a_module_or_a_driver(package: str) -> None:
    drivers = FolderDrivers(package, "imagined.kinds")
    assert drivers.load("more") == "another"
    assert drivers.load("value") == "a value"
    assert drivers.load("http") == "the http driver"


def test_what_cannot_be_loaded(package: str) -> None:
    drivers = FolderDrivers(package, "imagined.kinds")
    with pytest.raises(NotFound) as caught:
        drivers.load("htp")
    assert caught.value.problems[0].hint == 'did you mean "http"?'
    with pytest.raises(NotFound) as caught:
        drivers.load("_shared")
    with pytest.raises(NotFound) as caught:
        drivers.load("zzz")
    assert caught.value.problems[0].hint == "what there is: absent, broken, http, more, value"
    with pytest.raises(ConfigurationError, match=r'the kind "absent" of imagined_absent cannot be loaded: ModuleNotFoundError'):
        drivers.load("absent")
    with pytest.raises(RuntimeError):
        drivers.load("broken")


def test_a_package_that_is_not_there_has_no_drivers() -> None:
    assert FolderDrivers("keepwell.rooms.no_such_room", "keepwell.none").names() == []
