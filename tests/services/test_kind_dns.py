"""The ``dns`` kind against a real server on loopback, over UDP and TCP."""

from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.machine.names import SystemNames
from keepwell.ports.names import Absent, Lookup
from tests.dns_server import dns_server
from tests.services.look import look


async def ask(options: dict[str, Any]) -> Any:
    async with dns_server() as port:
        seen = await look("dns", {"server": f"127.0.0.1:{port}", **options}, timeout=1 if options["name"] == "silent.test" else 15)
    return type("Seen", (), {"state": seen.state, "sentence": seen.sentence.replace(f":{port}", ":53"), "values": seen.values})


@pytest.mark.parametrize(
    "options",
    [
        {"name": "www.test", "equals": ["192.0.2.1", "192.0.2.2"]},
        {"name": "WWW.test.", "contains": ["192.0.2.2"]},
        {"name": "www.test", "record": "AAAA", "equals": ["2001:DB8:0::1"]},
        {"name": "alias.test", "equals": ["192.0.2.1", "192.0.2.2"]},
        {"name": "alias.test", "record": "CNAME", "equals": ["www.test"]},
        {"name": "test", "record": "MX", "equals": ["10 mail.test", "20 mail2.test"]},
        {"name": "test", "record": "TXT", "contains": ["v=spf1 -all", "two"]},
        {"name": "test", "record": "CAA", "equals": ["0 issue ca.test"]},
        {"name": "_sip._tcp.test", "record": "SRV", "equals": ["0 5 5060 sip.test"]},
        {"name": "192.0.2.1", "record": "PTR", "equals": ["www.test"]},
        {"name": "signed.test", "dnssec": True},
        {"name": "gone.test", "absent": True},
        {"name": "www.test", "record": "MX", "absent": True},
    ],
)
async def test_as_expected(options: dict[str, Any]) -> None:
    seen = await ask(options)
    assert seen.state is State.OK, seen.sentence


async def test_what_is_measured() -> None:
    seen = await ask({"name": "alias.test"})
    assert seen.values["ttl_seconds"] == 20  # the least of the alias and of what it stands for
    assert seen.values["records"] == 2
    assert seen.values["authenticated"] == 0
    assert 0 < seen.values["duration_seconds"] < 1


async def test_an_answer_too_long_for_udp_comes_over_tcp() -> None:
    seen = await ask({"name": "large.test", "record": "TXT", "contains": ["039 xxx"]})
    assert (seen.state, seen.values["records"]) == (State.OK, 40)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "gone.test"}, "127.0.0.1:53 says that the name gone.test does not exist (NXDOMAIN), expected a record of type A"),
        ({"name": "www.test", "record": "MX"}, "127.0.0.1:53 says that www.test has no MX record, expected a record of type MX"),
        (
            {"name": "servfail.test"},
            "127.0.0.1:53 does not answer the question for servfail.test: SERVFAIL (the server failed, or could not validate the answer), "
            "expected a record of type A",
        ),
        (
            {"name": "refused.test"},
            "127.0.0.1:53 does not answer the question for refused.test: REFUSED (the server does not answer for this name, or not to us), "
            "expected a record of type A",
        ),
        (
            {"name": "silent.test"},
            "127.0.0.1:53 gave no usable answer to the question for silent.test within 1 s, expected a record of type A",
        ),
    ],
)
async def test_what_went_wrong_is_told_apart(options: dict[str, Any], sentence: str) -> None:
    seen = await ask(options)
    assert (seen.state, seen.sentence) == (State.FAIL, sentence)


async def test_an_answer_that_nobody_validated() -> None:
    seen = await ask({"name": "www.test", "dnssec": True})
    assert seen.state is State.FAIL
    assert "does not say that it validated the answer (DNSSEC)" in seen.sentence


async def test_a_server_by_name_and_over_ipv6() -> None:
    async with dns_server() as port:
        named = await look("dns", {"server": f"localhost:{port}", "name": "www.test"}, timeout=1)
    try:
        async with dns_server("::1") as port:
            sixth = await look("dns", {"server": f"[::1]:{port}", "name": "www.test"}, timeout=1)
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert sixth.state is State.OK, sixth.sentence
    assert "127.0.0.1" in named.sentence or "::1" in named.sentence


async def test_the_resolvers_of_the_machine_that_do_not_answer_are_our_fault(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.53\nnameserver 127.0.0.54\n")
    with pytest.raises(AskError):
        await SystemNames(resolvers_file=str(file)).look_up(Lookup("www.test", timeout=0.3))
    with pytest.raises(AskError, match="names no resolver"):
        await SystemNames(resolvers_file=str(tmp_path / "absent")).look_up(Lookup("www.test", timeout=0.3))


async def test_the_second_resolver_of_the_machine_answers_where_the_first_does_not(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("search example.org\nnameserver 127.0.0.2\nnameserver 127.0.0.1\n")
    async with dns_server() as port:
        names = SystemNames(resolvers_file=str(file), port=port)
        found = await names.look_up(Lookup("www.test", timeout=4))
        with pytest.raises(Absent):
            await names.look_up(Lookup("gone.test", timeout=4))
        with pytest.raises(AnswerError, match="SERVFAIL"):
            await names.look_up(Lookup("servfail.test", timeout=4))
    assert found.values == ("192.0.2.1", "192.0.2.2")
    assert found.server == f"127.0.0.1:{port}"


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".test", "xn--\udcff"])
async def test_a_name_that_cannot_be_one(name: str) -> None:
    with pytest.raises(AskError, match="cannot be a name"):
        await SystemNames().look_up(Lookup(name, server="127.0.0.1:9"))
