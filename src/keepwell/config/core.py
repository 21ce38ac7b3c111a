"""The sections that belong to no room: targets, hosts, the web server, the database, what Keepwell does for its own sake."""

from typing import Any

from keepwell.ports.offer import Section

_TARGETS = """\
targets:
  # What is operated; checks name a target instead of repeating its address.
  # api: {url: http://127.0.0.1:8080}
"""
_HOSTS = """\
# hosts:
#   # Machines and containers beside this one; a check or a target stands on one by  on: NAME. Host keys must be known already.
#   app1: {ssh: ops@10.0.0.11, sudo: true}
#   web: {docker: shop-web-1}
#   worker: {kubernetes: {deployment: worker, namespace: shop}}
"""
_WEB = """\
# web:
#   listen: 127.0.0.1:8750
"""
_STORAGE = """\
# storage:
#   url: "secret:KEEPWELL_DATABASE"    # postgresql://user:password@host/database; without it, SQLite in the data directory
"""
_HISTORY = """\
# history:
#   keep_removed: 30d
#   keep_alerts: 90d
#   keep_runs: 90d
"""


_GUARD = """\
# guard:
#   checks: [gateway]        # when these fail too, the fault is in the connection of this machine
"""
_HEARTBEAT = """\
# heartbeat:
#   url: https://hc.example.org/ping/UUID    # told every minute that Keepwell is alive and on time
#   every: 1m
"""


def core_sections() -> tuple[Section, ...]:
    """The sections every operations directory may have, whatever rooms there are."""
    return (
        Section("targets", "What is operated", _targets, named=True, sample=_TARGETS),
        Section("hosts", "Machines and containers beside this one, and how they are reached", _hosts, named=True, sample=_HOSTS),
        Section("web", "Where the pages and the API are served", _web, sample=_WEB),
        Section("storage", "Where states, changes and the journal are kept", _storage, sample=_STORAGE),
        Section("guard", "Checks that show whether this machine's own connection works", _guard, sample=_GUARD),
        Section("heartbeat", "A sign of life that Keepwell sends", _heartbeat, sample=_HEARTBEAT),
        Section("history", "How long the past is kept", _history, sample=_HISTORY),
    )


def _targets() -> type[Any]:
    from .targets import Target

    return Target


def _hosts() -> type[Any]:
    from .hosts import HostEntry

    return HostEntry


def _web() -> type[Any]:
    from .settings import Web

    return Web


def _storage() -> type[Any]:
    from .settings import Storage

    return Storage


def _guard() -> type[Any]:
    from .settings import Guard

    return Guard


def _heartbeat() -> type[Any]:
    from .settings import Heartbeat

    return Heartbeat


def _history() -> type[Any]:
    from .settings import History

    return History
