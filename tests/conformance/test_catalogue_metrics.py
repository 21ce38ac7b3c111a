"""Every figure and promise that the catalogue of operations asks for has a question to samples that answers it: ``metric_rows.yaml`` says
which, from which samples, and why where none does.

The catalogue lies beside a checkout (see tests/support.py); that each question answers over generated samples is tested without it.
"""

import csv
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from keepwell.composition import verbs
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.objectives.options import ObjectiveOptions
from keepwell.rooms.samples.selectors import read_selector
from keepwell.rooms.samples.work.asking import CheckFacts
from tests.services.samples_asked import NOW, Asked, answer, ms
from tests.services.web_face import Running
from tests.support import outside

WRITTEN: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("metric_rows.yaml").read_text())
QUESTIONS: Mapping[str, Any] = WRITTEN["questions"]
REFUSED: Mapping[str, str] = WRITTEN["refused"]
PATHS = {"current": "/api/v1/metrics/current", "objective": "/api/v1/objectives"} | {
    name: f"/api/v1/samples/{name}" for name in ("range", "percentiles", "errors", "compare", "trend", "availability")
}


def labels_of(series: str) -> dict[str, str]:
    return {one.label: one.value for one in read_selector(series)}


def values_of(name: str, count: int) -> np.ndarray:
    """Something like what such a metric says, over time."""
    chance = np.random.default_rng(len(name))
    if name == "check_state":
        return np.where(np.arange(count) % 2000 == 7, 2.0, 0.0)
    if name == "check_up":
        return np.where(np.arange(count) % 2000 == 7, 0.0, 1.0)
    if name.endswith("_total"):
        return np.cumsum(chance.integers(1, 9, count)).astype(float)
    return chance.lognormal(-1, 0.3, count) * (1 + np.arange(count) / count)


def at(answered: Any, path: str) -> Any:
    """What stands at a path of a JSON answer."""
    for part in path.split("."):
        answered = answered[int(part) if part.isdigit() else part]
    return answered


async def test_every_question_answers_with_a_figure(tmp_path: Path) -> None:
    times = np.arange(ms(NOW) - 8 * 86_400_000, ms(NOW), 60_000)
    async with Asked(tmp_path / "samples") as asked:
        for series in {one for entry in QUESTIONS.values() for one in entry["series"]}:
            labels = labels_of(series)
            await asked.put(labels, times, values_of(labels[NAME], len(times)))
        asked.facts = replace(asked.facts, checks={"health": CheckFacts(timedelta(minutes=1), "api")})
        async with Running(asked) as running:  # type: ignore[arg-type]
            for name, entry in QUESTIONS.items():
                if entry["ask"] == "objective":
                    options = ObjectiveOptions.model_validate_json(json.dumps(entry["with"]))
                    asked.facts = replace(asked.facts, objectives={name: options})
                parameters = {} if entry["ask"] == "objective" else entry["with"]
                found = await answer(running, PATHS[entry["ask"]], **parameters)
                figure = at(found, entry["tells"])
                assert isinstance(figure, float), f"{name}: {figure!r}"
                if entry["ask"] == "objective":
                    assert found["objectives"][0]["verdict"] in ("met", "missed", "warning", "critical"), name


@pytest.mark.parametrize("name", [name for name, entry in QUESTIONS.items() if isinstance(entry["gives"], dict)])
def test_the_kind_of_check_that_gives_the_samples_has_that_value(name: str) -> None:
    gives = QUESTIONS[name]["gives"]
    driver = verbs.check_kinds().load(gives["kind"])
    assert gives["value"] == "looks" or gives["value"] in driver.values


def test_the_map_names_each_row_once_and_refuses_with_a_reason() -> None:
    rows = Counter(row for entry in QUESTIONS.values() for row in entry["rows"])
    assert [row for row, times in rows.items() if times > 1] == []
    assert not REFUSED.keys() & rows.keys()
    assert all(len(reason.split()) > 5 for reason in REFUSED.values())
    assert all(isinstance(entry["gives"], dict) or entry["gives"] in ("scrape", "push") for entry in QUESTIONS.values())


def test_every_figure_and_promise_of_the_catalogue_is_answered_or_refused() -> None:
    with outside("procedures.csv").open(newline="") as file:
        wanted = {row["id"] for row in csv.DictReader(file) if row["capability"] in ("metric", "objective")}
    mapped = {row for entry in QUESTIONS.values() for row in entry["rows"]}
    assert len(wanted) == 46
    assert sorted(wanted - mapped - REFUSED.keys()) == []
    assert sorted((mapped | REFUSED.keys()) - wanted) == []
