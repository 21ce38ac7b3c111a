"""What Debian's ``amtool`` says of Alertmanager's files, the import says too: which are valid, and which route an alert takes."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.config.drivers import FolderDrivers
from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.alerts.delivery import offer as delivery
from keepwell.rooms.alerts.importing.decide import import_alertmanager
from keepwell.rooms.alerts.importing.model import Imported
from keepwell.rooms.alerts.importing.valid import problems_by
from keepwell.rooms.alerts.routing.model import Routing
from keepwell.rooms.alerts.routing.offer import routing_of
from keepwell.rooms.alerts.routing.tree import routes_of
from tests.alerts_timeline import load_text
from tests.support import OUTSIDE_CASES, need, outside

CASES = Path(__file__).resolve().parents[1] / "cases" / "alerts" / "alertmanager_files.yaml"
WRITTEN: dict[str, str] = yaml.safe_load(CASES.read_text("utf-8"))
OTHERS = sorted(path.name for path in OUTSIDE_CASES.joinpath("conformance", "alertmanager").glob("*.yml"))

MEANT = {"ti mon 13", "ti mon 0", "tag", "two docs"}
"""What amtool accepts and we refuse: months that never come, a tag of YAML's own, and a second document that nobody reads."""


def imported(text: str, **settings: Any) -> Imported:
    drivers = FolderDrivers(delivery.PACKAGE, delivery.ENTRY_POINTS)
    return import_alertmanager(text.encode(), "alertmanager.yml", "shop", problems_by(drivers), **settings)


def routing(folder: Path, text: str) -> Routing:
    found = load_text(folder, imported(text).text)
    delivery.check(found)
    return routing_of(found, list(found.entries("receivers")), found.options("windows"))


def accepts(folder: Path, text: str) -> tuple[bool, str]:
    path = folder / "alertmanager.yml"
    path.write_text(text, "utf-8")
    said = subprocess.run([need("amtool"), "check-config", str(path)], capture_output=True, text=True, timeout=60, check=False)
    return said.returncode == 0, said.stdout + said.stderr


def check(folder: Path, name: str, text: str) -> None:
    valid, said = accepts(folder, text)
    try:
        routing(folder / "ops", text)
        refused = ""
    except KeepwellError as error:
        refused = "; ".join(f"{one.where}: {one.message}" for one in error.problems)
    if name in MEANT:
        assert valid
        assert refused
    else:
        assert valid is not bool(refused), refused or said


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_is_accepted_where_amtool_accepts_it(tmp_path: Path, name: str) -> None:
    check(tmp_path, name, WRITTEN[name])


@pytest.mark.parametrize("name", OTHERS or ["conf.good.yml"])
def test_a_file_of_others_is_accepted_where_amtool_accepts_it(tmp_path: Path, name: str) -> None:
    check(tmp_path, name, outside("conformance", "alertmanager", name).read_text("utf-8"))


# --- routes --------------------------------------------------------------------------------------------------------------------

LABELS = {"team": ["x", "y", "z"], "severity": ["critical", "warning"], "host": ["h1", "h22"]}


def files() -> Iterator[tuple[int, dict[str, Any]]]:
    """Trees of routes, made by chance, the same ones each time."""
    for seed in range(30):
        chance = random.Random(seed)
        receivers = [f"r{number}" for number in range(6)]
        root = {"receiver": "r0", "routes": [_route(chance, receivers, 0) for _ in range(chance.randint(1, 4))]}
        yield seed, {"route": root, "receivers": [{"name": name, "webhook_configs": [{"url": "http://127.0.0.1/x"}]} for name in receivers]}


def _route(chance: random.Random, receivers: list[str], depth: int) -> dict[str, Any]:
    route: dict[str, Any] = {}
    if chance.random() < 0.8:
        route["receiver"] = chance.choice(receivers)
    if chance.random() < 0.4:
        route["continue"] = True
    label = chance.choice(list(LABELS))
    value = chance.choice(LABELS[label])
    route |= chance.choice(
        [
            {"match": {label: value}},
            {"match_re": {label: f"{value}|q"}},
            {"match_re": {label: chance.choice(["h.*", "h[0-9]", ".+", "", "c|w"])}},
            {"matchers": [f'{label}!="{value}"']},
            {"matchers": [f"{{{label}={value}}}", f'team!~"{chance.choice(LABELS["team"])}.*"']},
            {},
        ]
    )
    if depth < 3 and chance.random() < 0.5:
        route["routes"] = [_route(chance, receivers, depth + 1) for _ in range(chance.randint(1, 3))]
    return route


@pytest.mark.parametrize(("seed", "file"), list(files()))
def test_an_alert_takes_the_routes_that_amtool_says(tmp_path: Path, seed: int, file: dict[str, Any]) -> None:
    text = yaml.safe_dump(file)
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    ours, chance = routing(tmp_path / "ops", text), random.Random(seed)
    for _ in range(8):
        labels = {name: chance.choice([*values, "q"]) for name, values in LABELS.items() if chance.random() < 0.7}
        command = [
            need("amtool"),
            "config",
            "routes",
            "test",
            f"--config.file={path}",
            *(f"{name}={value}" for name, value in labels.items()),
        ]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert [route.receiver for route in routes_of(ours.root, labels)] == said.stdout.strip().split(","), labels


# --- later versions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in OTHERS if name.startswith(("conf.mattermost", "conf.rocketchat"))] or ["conf.good.yml"])
def test_files_of_later_versions_are_taken_where_that_is_wanted(name: str) -> None:
    text = outside("conformance", "alertmanager", name).read_text("utf-8")
    found = imported(text, newer=True)
    assert any(one.what.endswith("_configs") and one.receiver for one in found.left_out)
    assert "newer" not in found.text
