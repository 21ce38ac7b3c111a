"""Who may do what over HTTP: the whole table of decisions."""

import pytest

from keepwell.api.access import ANONYMOUS, EVERYTHING, Asked, Caller, allowed_hosts, check_listen_address, decide, peer_caller
from keepwell.kernel.problems import KeepwellError, Refused, UsageError

LISTENING = [("127.0.0.1", 8750)]
HOST = "127.0.0.1:8750"
HOLDER = Caller("token", "deploy", frozenset({"things:write"}))
OTHER = Caller("token", "reader", frozenset({"other"}))
ROOT_PEER = peer_caller(0, "root", owner=1000)
OWNER_PEER = peer_caller(1000, "ann", owner=1000)
FOREIGN_PEER = peer_caller(1001, "bob", owner=1000)


def verdict(caller: Caller, asked: Asked, permission: str | None = "things:write") -> str:
    refused = decide(caller, permission, asked, LISTENING)
    return refused.problems[0].code if refused else "may"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "INVENTED", "get"])
def test_every_write_needs_a_token(method: str) -> None:
    assert verdict(ANONYMOUS, Asked(method, HOST)) == "refused.no-token"
    assert verdict(ANONYMOUS, Asked(method, HOST), None) == "refused.no-token", "before its route is known, too"
    assert verdict(HOLDER, Asked(method, HOST)) == "may"


@pytest.mark.parametrize(
    ("caller", "permission", "expected"),
    [
        (HOLDER, "things:write", "may"),
        (HOLDER, "things:destroy", "refused.permission"),
        (HOLDER, None, "may"),
        (OTHER, "things:write", "refused.permission"),
        (Caller("token", "all", frozenset({EVERYTHING})), "things:destroy", "may"),
        (Caller("token", "none"), "things:write", "refused.permission"),
    ],
)
def test_a_token_permits_what_it_holds(caller: Caller, permission: str | None, expected: str) -> None:
    assert verdict(caller, Asked("POST", HOST), permission) == expected


def test_a_permission_that_a_path_gives_is_the_only_one() -> None:
    knowing = Caller("anonymous", "anonymous", frozenset({"ping"}))
    assert verdict(knowing, Asked("POST", HOST), "ping") == "may"
    assert verdict(knowing, Asked("POST", HOST), None) == "may"
    assert verdict(knowing, Asked("POST", HOST), "things:write") == "refused.permission"
    assert verdict(knowing, Asked("POST", HOST, origin="http://evil.example"), "ping") == "refused.origin"
    assert verdict(knowing, Asked("POST", "evil.example"), "ping") == "refused.host"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked("POST", HOST, only_asks=True), "may"),
        (Asked("POST", HOST, f"http://{HOST}", "same-origin", only_asks=True), "may"),
        (Asked("POST", HOST, "http://evil.example", only_asks=True), "refused.origin"),
        (Asked("POST", HOST, fetch_site="cross-site", only_asks=True), "refused.cross-site"),
        (Asked("POST", HOST, fetch_site="cross-site", fetch_mode="navigate", only_asks=True), "refused.cross-site"),
        (Asked("POST", "evil.example", only_asks=True), "refused.host"),
        (Asked("POST", "whatever", unix_socket=True, only_asks=True), "may"),
        (Asked("POST", "whatever", "http://evil.example", unix_socket=True, only_asks=True), "refused.origin"),
    ],
)
def test_a_post_that_only_asks_is_a_read_but_not_from_another_site(asked: Asked, expected: str) -> None:
    for caller in (ANONYMOUS, OTHER, FOREIGN_PEER):
        assert verdict(caller, asked) == expected
        assert verdict(caller, asked, None) == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8750",
        "127.0.0.1",
        "127.0.0.1:8751",
        "localhost.evil.example:8750",
        "127.0.0.1:8750, x",
        "[::]:8750",
    ],
)
def test_a_request_must_name_us(method: str, host: str | None) -> None:
    assert verdict(HOLDER, Asked(method, host)) == "refused.host"


@pytest.mark.parametrize("host", ["127.0.0.1:8750", "localhost:8750", "LOCALHOST:8750", "[::1]:8750"])
def test_loopback_names_are_ours(host: str) -> None:
    assert verdict(ANONYMOUS, Asked("GET", host)) == "may"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (f"http://{HOST}", "may"),
        (None, "may"),
        ("null", "refused.origin"),
        ("", "refused.origin"),
        (f"https://{HOST}", "refused.origin"),
        ("http://127.0.0.1:8751", "refused.origin"),
        ("http://localhost:8750", "refused.origin"),
        ("http://evil.example", "refused.origin"),
        (f"http://{HOST}.evil.example", "refused.origin"),
        (f"http://{HOST}, http://evil.example", "refused.origin"),
    ],
)
def test_a_write_comes_from_our_own_pages(origin: str | None, expected: str) -> None:
    assert verdict(HOLDER, Asked("POST", HOST, origin)) == expected


@pytest.mark.parametrize(
    ("site", "expected"),
    [("same-origin", "may"), ("same-site", "refused.cross-site"), ("cross-site", "refused.cross-site"), ("none", "refused.cross-site")],
)
def test_a_write_says_where_it_comes_from(site: str, expected: str) -> None:
    assert verdict(HOLDER, Asked("POST", HOST, fetch_site=site, fetch_mode="navigate")) == expected


@pytest.mark.parametrize(
    ("site", "mode", "expected"),
    [
        ("same-origin", "cors", "may"),
        ("none", "navigate", "may"),
        ("cross-site", "navigate", "may"),
        ("cross-site", "no-cors", "refused.cross-site"),
        ("same-site", "cors", "refused.cross-site"),
        ("cross-site", None, "refused.cross-site"),
    ],
)
def test_another_site_may_link_to_us_and_not_load_us(site: str, mode: str | None, expected: str) -> None:
    assert verdict(ANONYMOUS, Asked("GET", HOST, fetch_site=site, fetch_mode=mode)) == expected


@pytest.mark.parametrize(
    ("caller", "method", "origin", "expected"),
    [
        (ROOT_PEER, "POST", None, "may"),
        (OWNER_PEER, "POST", None, "may"),
        (FOREIGN_PEER, "POST", None, "refused.permission"),
        (FOREIGN_PEER, "GET", None, "may"),
        (OWNER_PEER, "POST", "http://evil.example", "refused.origin"),
    ],
)
def test_on_the_unix_socket_the_peer_decides(caller: Caller, method: str, origin: str | None, expected: str) -> None:
    asked = Asked(method, "whatever", origin, unix_socket=True)
    assert verdict(caller, asked) == expected
    assert verdict(caller, asked, None) == expected


def test_a_peer_is_named_by_its_user() -> None:
    assert OWNER_PEER.name == "uid:ann"
    assert ROOT_PEER.holds("anything")
    assert not FOREIGN_PEER.holds("anything")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8750", ("127.0.0.1", 8750)),
        ("127.9.8.7:1", ("127.9.8.7", 1)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("[::1]:8750", ("::1", 8750)),
        ("[0:0:0:0:0:0:0:1]:8750", ("::1", 8750)),
    ],
)
def test_loopback_addresses_are_listened_on(text: str, expected: tuple[str, int]) -> None:
    assert check_listen_address(text) == expected


@pytest.mark.parametrize(
    "text", ["0.0.0.0:8750", "[::]:8750", "192.0.2.1:80", "10.0.0.1:8750", "[2001:db8::1]:80", "[::ffff:192.0.2.1]:80", "169.254.1.1:80"]
)
def test_a_public_address_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        check_listen_address(text)
    assert "people and roles" in str(refused.value)
    assert "ssh -L" in refused.value.problems[0].hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "8750",
        "127.0.0.1",
        "127.0.0.1:",
        ":8750",
        "127.0.0.1:99999",
        "127.0.0.1:-1",
        "127.0.0.1:٣",
        "example.org:80",
        "::1:8750",
        "[::1]",
        "[127.0.0.1:80",
        "localhost:http",
    ],
)
def test_garbage_is_no_address(text: str) -> None:
    with pytest.raises(KeepwellError) as told:
        check_listen_address(text)
    assert isinstance(told.value, UsageError)
    assert told.value.problems[0].hint


def test_the_port_of_http_may_be_left_out() -> None:
    assert {"localhost", "localhost:80", "127.0.0.2:80"} <= allowed_hosts([("127.0.0.2", 80)])
    assert "localhost" not in allowed_hosts([("127.0.0.1", 8750)])
    assert "[::1]:9" in allowed_hosts([("::1", 9)])
