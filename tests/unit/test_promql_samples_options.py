"""The section ``samples``: who answers questions in PromQL, and their bounds."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from keepwell.composition.promql import access_to
from keepwell.ports.http import Basic
from keepwell.rooms.samples.options import SamplesOptions


def read(**given: Any) -> SamplesOptions:
    """The options as the section gives them."""
    return SamplesOptions.model_validate(given)


def test_without_a_word_the_own_store_answers() -> None:
    options = read()
    assert (options.query, options.query_timeout, options.query_numbers, options.queries_at_once) == (
        None,
        timedelta(minutes=2),
        10_000_000,
        2,
    )


def test_the_request_carries_all_that_says_who_asks() -> None:
    access = access_to(
        read(
            query="https://metrics.example/prometheus",
            query_basic={"user": "keepwell", "password": "secret:PROMETHEUS"},
            query_headers={"X-Scope-OrgID": "team"},
            query_verify=False,
            query_authority="/etc/ssl/own.pem",
        )
    )
    assert (access.url, access.basic) == ("https://metrics.example/prometheus", Basic("keepwell", "secret:PROMETHEUS"))
    assert (access.headers, access.verify, access.authority) == ({"X-Scope-OrgID": "team"}, False, "/etc/ssl/own.pem")
    assert access_to(read(query="http://a", query_bearer="secret:file:/run/token")).bearer == "secret:file:/run/token"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"query": "metrics.example:9090"}, "http"),
        ({"query_bearer": "secret:TOKEN"}, "give query"),
        ({"query": "http://a", "query_bearer": "secret:T", "query_basic": {"user": "u", "password": "secret:P"}}, "give one of them"),
        ({"query": "http://a", "query_bearer": "secret:T", "query_headers": {"authorization": "x"}}, "give one of them"),
        ({"query": "http://a", "query_headers": {"a b": "x"}}, '"a b" cannot be sent as a header'),
        ({"query": "http://a", "query_headers": {"X-Key": "secret:KEY"}}, '"X-Key" cannot be sent as a header, or refers to a secret'),
        ({"query": "http://a", "query_bearer": "secret:command:pass token"}, "no command is run"),
        ({"external_labels": {"1st": "x"}}, '"1st" in external_labels is no name of a label'),
        ({"external_labels": {"__a": "x"}}, '"__a" in external_labels is no name of a label'),
        ({"query_timeout": "0s"}, "not from 1s to 10m"),
        ({"query_timeout": "1h"}, "not from 1s to 10m"),
        ({"query_numbers": 10}, "query_numbers"),
        ({"queries_at_once": 0}, "queries_at_once"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        read(**given)
    assert words in str(error.value)
