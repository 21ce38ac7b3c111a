"""What the section ``scrape`` refuses so that nothing runs which nobody accepted."""

import json

import pytest
from pydantic import ValidationError

from keepwell.rooms.samples.scraping.options import ScrapeOptions


@pytest.mark.parametrize(
    "given",
    [
        {"bearer": "secret:command:cat /etc/token"},
        {"basic": {"user": "probe", "password": "secret:command:pass show metrics"}},
        {"secrets": {"X-API-Key": "secret:command:pass show metrics"}},
    ],
)
def test_no_command_gives_the_secret_of_a_scrape(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="no command is run for the secret of a scrape: write secret:NAME or secret:file:PATH"):
        ScrapeOptions.model_validate_json(json.dumps({"targets": ["127.0.0.1:9100"], **given}))


@pytest.mark.parametrize("reference", ["secret:METRICS_TOKEN", "secret:file:/run/secrets/token"])
def test_a_secret_of_the_environment_or_a_file_is_taken(reference: str) -> None:
    options = ScrapeOptions.model_validate_json(json.dumps({"targets": ["127.0.0.1:9100"], "bearer": reference}))
    assert options.bearer == reference
