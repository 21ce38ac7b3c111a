"""Names, ports, reachability, packet filters and other hosts; load tests."""

import pytest

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Wanting
from keepwell.rooms.manual.importing.recognise.firewall import RECOGNISER as FIREWALL
from keepwell.rooms.manual.importing.recognise.k6 import RECOGNISER as LOAD
from keepwell.rooms.manual.importing.recognise.network import RECOGNISER as NETWORK
from keepwell.rooms.manual.importing.recognise.sockets import RECOGNISER as SOCKETS
from tests import importing_support
from tests.importing_support import only_check

_ALL = {program: recogniser for recogniser in (NETWORK, SOCKETS, FIREWALL, LOAD) for program in recogniser.programs}


def recognised(lines: str, section: str = "Operations") -> Found:
    """What the recogniser of the first program that one knows makes of it."""
    program = next(word for word in lines.replace("$(", " ").split() if word in _ALL)
    return importing_support.recognised(_ALL[program], lines, section)


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("nslookup db.internal", {"name": "db.internal"}),
        ("nslookup -type=mx example.org 10.0.0.2", {"name": "example.org", "record": "MX", "server": "10.0.0.2"}),
        ("nslookup 192.0.2.7", {"name": "192.0.2.7", "record": "PTR"}),
        ("host db.internal", {"name": "db.internal"}),
        ("host -t txt example.org", {"name": "example.org", "record": "TXT"}),
        ("dig db.internal", {"name": "db.internal"}),
        ("dig @10.0.0.2 -p 5353 +short aaaa db.internal", {"name": "db.internal", "record": "AAAA", "server": "10.0.0.2:5353"}),
        ("dig -x 192.0.2.7", {"name": "192.0.2.7", "record": "PTR"}),
        ("getent hosts db.internal", {"run": ["getent", "hosts", "db.internal"]}),
        ("nslookup db", {"run": ["nslookup", "db"]}),
        ("dig +short db", {"run": ["dig", "+short", "db"], "expect": {"output_matches": r"\S"}}),
        ("dig db", {"run": ["dig", "db"], "expect": {"output_contains": "status: NOERROR"}}),
    ],
)
def test_a_lookup_of_a_name_is_a_check(line: str, settings: dict[str, object]) -> None:
    found = recognised(line)
    assert (found.fate, found.operation, found.capabilities) == (Fate.CHECK, "dns.lookup", ("check.dns",))
    draft = only_check(found)
    assert (draft.kind, draft.settings) == ("command" if "run" in settings else "dns", settings)
    assert verbs.check_problem(draft.kind, settings) == ""


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ("netstat -tlnp | grep 8080", "127.0.0.1:8080"),
        ("sudo ss -tlnp | grep :5432", "127.0.0.1:5432"),
        ("lsof -i :8080", "127.0.0.1:8080"),
        ("netstat -tlnp | grep shop-server\ncurl http://localhost:3000/health", "127.0.0.1:3000"),
        ("nc -zv db.internal 5432", "db.internal:5432"),
        ("telnet cache 6379", "cache:6379"),
    ],
)
def test_a_port_that_is_looked_for_is_a_tcp_check(lines: str, address: str) -> None:
    found = recognised(lines)
    assert (found.fate, bool(found.operation)) == (Fate.CHECK, True)
    draft = only_check(found)
    assert (draft.kind, draft.settings) == ("tcp", {"address": address})


@pytest.mark.parametrize(
    "lines",
    [
        "netstat -tlnp | grep shop-server",  # the manual does not say at which port
        "netstat -tlnp | grep shop\ncurl http://localhost:1/\ncurl http://localhost:2/",  # nor at which of two
        "docker exec shop netstat -tln | grep 8080",  # of the container, not of this host
    ],
)
def test_a_port_that_is_not_known_is_no_draft(lines: str) -> None:
    found = recognised(lines)
    assert (found.fate, found.drafts) == (Fate.CHECK, ())


@pytest.mark.parametrize(
    ("line", "shell"),
    [
        ("n=$(netstat -an | grep :8080 | grep ESTABLISHED | wc -l)", "ss -Htn state established '( sport = :8080 )' | wc -l"),
        ("netstat -an | grep :22 | grep -v ESTABLISHED | wc -l", "ss -Htn exclude established '( sport = :22 )' | wc -l"),
        ("ss -tn | grep -c :443", "ss -Htn state connected '( sport = :443 )' | wc -l"),
    ],
)
def test_connections_are_counted_by_their_own_port_and_state(line: str, shell: str) -> None:
    draft = only_check(recognised(line))
    assert draft.settings == {"shell": shell}
    assert draft.measures == ("connections",)


@pytest.mark.parametrize(
    ("section", "line", "capability"),
    [
        ("Security audit", "netstat -tulpn | grep 8080", "security.network"),
        ("Security audit", "ss -tulpn", "security.network"),
        ("Checks", "netstat -tlnp | grep 8080", "check.port"),
        ("Incident response", "netstat -tlnp | grep 8080 >> /tmp/incident.txt", "incident.evidence"),
        ("Diagnostic tools", "netstat -tlnp", "diagnostics"),
        ("Diagnostic tools", "netstat -i", "diagnostics"),
        ("Diagnostic tools", "ip addr show", "diagnostics"),
        ("Diagnostic tools", "traceroute db.internal", "diagnostics"),
        ("Site failure", "ssh standby 'cd /opt/shop && git pull'", "failover"),
        ("Deployment", "ssh web1 'cd /opt/shop && git pull'", "deploy"),
        ("Maintenance", "ssh web1 'cd /opt/shop && git gc'", "runbook"),
    ],
)
def test_what_it_is_for(section: str, line: str, capability: str) -> None:
    assert recognised(line, section).capabilities[0] == capability


def test_a_ping_that_never_ends_is_a_step() -> None:
    endless = recognised("ping db.internal")
    assert (endless.fate, endless.operation, endless.drafts) == (Fate.STEP, "ping", ())
    assert only_check(recognised("ping -c 3 db.internal")).settings == {"run": ["ping", "-c", "3", "db.internal"]}


def test_a_firewall_that_should_be_active_is_a_check() -> None:
    settings = only_check(recognised("sudo ufw status")).settings
    assert settings == {"run": ["sudo", "ufw", "status"], "expect": {"output_contains": "Status: active"}}


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ("iptables -L -n -v", "iptables.list"),
        ("iptables -A INPUT -s 192.0.2.7 -j DROP", "iptables.append"),
        ("iptables -D INPUT -s 192.0.2.7 -j DROP", "iptables.delete"),
        ("iptables -A INPUT --hex-string x -j DROP", ""),
        ("ufw allow 443/tcp", "ufw.allow"),
        ("nft list ruleset", "nft.list"),
        ("nsupdate <<EOF\nupdate add shop.test 60 A 192.0.2.7\nsend\nEOF", "dns.update"),
        ("ssh web1 'rm x'", ""),
    ],
)
def test_rules_are_listed_and_changed_by_steps(line: str, operation: str) -> None:
    found = recognised(line)
    assert (found.fate, found.operation, found.drafts) == (Fate.STEP, operation, ())


def test_an_address_to_block_is_asked_for_when_the_step_is_run() -> None:
    found = recognised("iptables -A INPUT -s <attacker_ip> -j DROP", "Attack")
    assert found.disposition is Disposition.MISSING
    assert [(missing.name, missing.wanting) for missing in found.missing] == [("ATTACKER_IP", Wanting.ARGUMENT)]
    assert found.capabilities[0] == "runbook"


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ("k6 run --vus 20 --duration 2m checkout.js", "k6.run"),
        ("k6 cloud checkout.js", ""),
        ("ab -n 1000 -c 10 http://shop.test/", "ab.run"),
        ("wrk -t4 -c100 -d30s http://shop.test/", "wrk.run"),
        ("hey -z 30s http://shop.test/", "hey.run"),
        ("cat > load.js <<'EOF'\nimport http from 'k6/http';\nexport default () => http.get('http://shop.test/');\nEOF", "k6.script"),
    ],
)
def test_load_tests_are_steps(line: str, operation: str) -> None:
    found = recognised(line)
    assert (found.fate, found.operation, found.capabilities[0]) == (Fate.STEP, operation, "loadtest")
