"""Containers on a command line: what looks, what shows logs, what changes."""

import re
from typing import Any

import pytest

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.model import Disposition, Fate
from keepwell.rooms.manual.importing.recognise.docker import RECOGNISER
from tests.importing_support import only_check, recognised


@pytest.mark.parametrize(
    ("line", "operation", "run"),
    [
        ("docker ps -a", "docker.ps", ["docker", "ps", "-a"]),
        ('docker ps --format "table {{.Names}}"', "docker.ps", ["docker", "ps", "--format", "table {{.Names}}"]),
        ("docker stats --no-stream", "docker.stats", ["docker", "stats", "--no-stream"]),
        ("podman ps", "podman.ps", ["podman", "ps"]),
        ("docker volume ls", "docker.volume.ls", ["docker", "volume", "ls"]),
    ],
)
def test_what_only_looks_is_a_check(line: str, operation: str, run: list[str]) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.fate, found.disposition, found.operation) == (Fate.CHECK, Disposition.CARRIED, operation)
    assert only_check(found).settings == {"run": run}


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("docker system df", {"disk": {}, "reclaimable": {}}),
        ("docker stats --no-stream web", {"container": "web", "cpu": {}, "memory": {}}),
        ("docker ps --filter name=web", {"container": "*web*"}),
        ("docker ps -f 'name=^web$'", {"container": "web"}),
    ],
)
def test_containers_that_are_named_and_the_space_of_all_are_looked_at_by_the_kind(line: str, settings: dict[str, Any]) -> None:
    draft = only_check(recognised(RECOGNISER, line))
    assert (draft.kind, draft.settings) == ("docker", settings)
    assert verbs.check_problem("docker", settings) == ""


@pytest.mark.parametrize(
    "line",
    [
        "sudo docker stats --no-stream web",
        "docker ps -a --filter name=web",
        "docker ps --filter name=web --filter status=exited",
        "docker ps --filter status=exited",
        "docker --context far ps --filter name=web",
        "docker stats --no-stream web db",
    ],
)
def test_what_the_kind_cannot_ask_stays_a_command(line: str) -> None:
    assert only_check(recognised(RECOGNISER, line)).kind == "command"


@pytest.mark.parametrize("line", ["docker-compose ps", "docker compose ps"])
def test_the_services_of_a_project_are_judged_in_its_folder(line: str) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.operation, found.disposition) == ("docker.compose.ps", Disposition.MISSING)
    assert [missing.name for missing in found.missing] == ["WORKING_FOLDER"]
    filled = recognised(RECOGNISER, line, values={"WORKING_FOLDER": "/srv/shop"})
    assert filled.disposition is Disposition.CARRIED
    settings = only_check(filled).settings
    assert settings["run"][:4] == ["docker", "compose", "ps", "--all"]
    assert settings["directory"] == "/srv/shop"


def test_a_folder_that_the_script_went_into_is_the_projects() -> None:
    found = recognised(RECOGNISER, "cd /srv/shop\ndocker compose ps")
    assert (found.disposition, only_check(found).settings["directory"]) == (Disposition.CARRIED, "/srv/shop")


@pytest.mark.parametrize(
    ("output", "good"),
    [
        ("api running 0 healthy\ndb running 0 \n", True),
        ("api running 0 \nmigrate exited 0 \n", True),
        ("api running 0 unhealthy\n", False),
        ("api running 0 \ndb exited 137 \n", False),
        ("db restarting 1 \n", False),
        ("", False),
    ],
)
def test_what_services_must_say(output: str, good: bool) -> None:
    found = recognised(RECOGNISER, "docker compose ps", values={"WORKING_FOLDER": "/srv"})
    assert bool(re.search(only_check(found).settings["expect"]["output_matches"].replace(r"\z", r"\Z"), output)) is good


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ("docker restart shop", "docker.restart"),
        ("docker-compose restart api", "docker.compose.restart"),
        ("docker compose -f prod.yml up -d --build", "docker.compose.up"),
        ("docker compose stop api db", "docker.compose.stop"),
        ("docker pull postgres:16", "docker.pull"),
        ("docker build -t shop:latest .", "docker.build"),
        ("docker system prune -af --volumes", "docker.system.prune"),
        ("docker image prune -a --filter until=24h", "docker.image.prune"),
        ("docker stats", "docker.stats"),  # it never ends
        ("docker run --gpus all shop", ""),
        ("docker rm $(docker ps -aq)", ""),
        ("docker kill --unheard-of shop", ""),
    ],
)
def test_what_changes_or_never_ends_is_a_step(line: str, operation: str) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.fate, found.operation, found.drafts) == (Fate.STEP, operation, ())


@pytest.mark.parametrize(
    ("line", "fate", "capability"),
    [
        ("docker logs --tail 100 shop", Fate.LOGS, "diagnostics"),
        ("docker compose logs -f api", Fate.LOGS, "diagnostics"),
        ("docker-compose logs db | grep -i error | tail -10", Fate.LOGS, "logs.analyse"),
        ("docker logs shop > /tmp/shop.log", Fate.STEP, "incident.evidence"),
    ],
)
def test_logs(line: str, fate: Fate, capability: str) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.fate, found.capabilities[0]) == (fate, capability)
    assert found.operation.endswith(".logs")


@pytest.mark.parametrize(
    ("section", "line", "capability"),
    [
        ("Cleanup", "docker system prune -f", "cleanup"),
        ("Logs", "# Clean container logs\ndocker system prune -f", "logs.cleanup"),
        ("Updates", "docker compose pull", "update"),
        ("Updates", "docker compose up -d", "update"),
        ("Deployment", "docker compose up -d", "deploy"),
        ("Roll back", "docker compose up -d", "rollback"),
        ("Database recovery", "docker compose stop api", "restore.database"),
        ("Application down", "docker compose restart", "runbook"),
        ("Disk space", "docker system df", "check.host"),
        ("Review", "# Memory trends\ndocker stats --no-stream", "report"),
        ("Health", "docker ps", "check.container"),
    ],
)
def test_what_it_is_for(section: str, line: str, capability: str) -> None:
    assert recognised(RECOGNISER, line, section).capabilities[0] == capability
