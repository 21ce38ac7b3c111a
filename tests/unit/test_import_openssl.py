"""Certificates on a command line: those of servers, those in files, and keys that are made."""

from typing import Any

import pytest

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.model import Disposition, Fate
from keepwell.rooms.manual.importing.recognise.openssl import RECOGNISER
from tests.importing_support import only_check, recognised

CLIENT = "echo | openssl s_client -servername shop.test -connect shop.test:8443 2>/dev/null | openssl x509 -noout -enddate"


def test_the_certificate_of_a_server_is_a_tls_check() -> None:
    found = recognised(RECOGNISER, CLIENT)
    assert (found.fate, found.operation, found.capabilities[0]) == (Fate.CHECK, "tls.certificate", "check.tls")
    draft = only_check(found)
    assert (draft.kind, draft.settings) == ("tls", {"host": "shop.test", "port": 8443})


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        (
            "openssl s_client -connect 10.0.0.7:443 -servername shop.test </dev/null",
            {"host": "10.0.0.7", "port": 443, "server_name": "shop.test"},
        ),
        ("openssl s_client -connect shop.test", {"host": "shop.test", "port": 443}),
        ("openssl s_client -connect h:1 -CAfile /etc/ca.pem -showcerts", {"host": "h", "port": 1, "authority": "/etc/ca.pem"}),
        ("# Warn 14 days before it ends\nopenssl s_client -connect h:443", {"host": "h", "port": 443, "warn": "< 14d", "fail": "< 7d"}),
        (
            "openssl s_client -connect h:443 </dev/null | openssl x509 -noout -checkend 432000",
            {"host": "h", "port": 443, "warn": "< 5d", "fail": "< 2d"},
        ),
        ("HOST=shop.test\nopenssl s_client -connect $HOST:443", {"host": "shop.test", "port": 443}),
    ],
)
def test_where_and_when_it_is_judged(line: str, settings: object) -> None:
    assert only_check(recognised(RECOGNISER, line)).settings == settings


def test_a_name_to_replace_keeps_it_waiting() -> None:
    line = "openssl s_client -connect www.yourdomain.com:443"
    assert recognised(RECOGNISER, line).disposition is Disposition.MISSING
    filled = recognised(RECOGNISER, line, values={"YOURDOMAIN_COM": "shop.test"})
    assert filled.disposition is Disposition.CARRIED
    assert only_check(filled).settings["host"] == "www.shop.test"


@pytest.mark.parametrize(
    "line", ["openssl s_client -connect h:25 -starttls smtp", "docker exec shop openssl s_client -connect localhost:443"]
)
def test_what_the_tls_check_cannot_ask_is_no_draft(line: str) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.fate, found.drafts) == (Fate.CHECK, ())


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("openssl x509 -in /etc/shop.pem -noout -dates", {"file": "/etc/shop.pem"}),
        (
            "sudo openssl x509 -in /etc/shop.pem -text -noout | grep 'Not After'",
            {"run": ["sudo", "openssl", "x509", "-in", "/etc/shop.pem", "-noout", "-checkend", "2592000"]},
        ),
        (
            "# It must last 10 days\nopenssl x509 -in /etc/shop.pem -noout -enddate",
            {"file": "/etc/shop.pem", "warn": "< 10d", "fail": "< 5d"},
        ),
        ("openssl x509 -in /etc/shop.pem -checkend 86400 -noout", {"file": "/etc/shop.pem", "fail": "< 1d"}),
        (
            "openssl x509 -inform der -in /etc/shop.der -noout -enddate",
            {"run": ["openssl", "x509", "-in", "/etc/shop.der", "-noout", "-checkend", "2592000"]},
        ),
    ],
)
def test_a_certificate_in_a_file_is_asked_how_long_it_lasts(line: str, settings: dict[str, Any]) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.operation, found.capabilities[0]) == ("openssl.x509", "security.certificates")
    draft = only_check(found)
    assert (draft.kind, draft.settings) == ("command" if "run" in settings else "tls", settings)
    assert verbs.check_problem(draft.kind, settings) == ""


def test_a_relative_path_is_asked_for() -> None:
    line = "openssl x509 -in tls/shop.pem -noout -dates"
    found = recognised(RECOGNISER, line)
    assert [(missing.name, missing.form) for missing in found.missing] == [("WORKING_FOLDER", "path")]
    filled = recognised(RECOGNISER, line, values={"WORKING_FOLDER": "/srv"})
    assert only_check(filled).settings == {"file": "/srv/tls/shop.pem"}


@pytest.mark.parametrize(
    ("line", "operation", "capability"),
    [
        ("openssl rand -base64 32", "openssl.rand", "keys.rotate"),
        ("openssl genrsa -out key.pem 2048", "", "keys.rotate"),
        ("openssl req -new -key key.pem -out a.csr", "", "security.certificates"),
        ("openssl verify -CAfile ca.pem a.pem", "", "security.certificates"),
    ],
)
def test_making_keys_is_a_step(line: str, operation: str, capability: str) -> None:
    found = recognised(RECOGNISER, line)
    assert (found.fate, found.operation, found.capabilities[0], found.drafts) == (Fate.STEP, operation, capability, ())
