"""The section ``logs``: what it takes, and what it says of the rest."""

from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.config.core import core_sections
from keepwell.config.operations import Operations, load
from keepwell.kernel.problems import ConfigurationError
from keepwell.ports.work import Recurring, Work
from keepwell.rooms.logs.model import Clean, Owner
from keepwell.rooms.logs.offer import policies_of, recurring_of, sections, texts_of


def read(tmp_path: Path, logs: str) -> Operations:
    """A directory with that section."""
    (tmp_path / "keepwell.yaml").write_text(f"keepwell: 1\nservice: shop\nlogs:\n{logs}")
    return load(tmp_path, (*core_sections(), *sections()), {})


def test_all_of_logrotate_is_understood(tmp_path: Path) -> None:
    operations = read(
        tmp_path,
        """\
  shop:
    paths: [logs/app.log, "/var/log/shop/*.log"]
    rotate:
      every: day
      keep: 30
      max_age: 90d
      compress: after 1
      create: 644 shop adm
      size: 100M
      at_least: 4096
      archive: archive
      then: systemctl reload shop
      as: shop shop
    clean: [{under: /var/log/shop, names: "*.gz", older_than: 30d}]
    analyse: [{name: a, in: logs/app.log, ask: count}, {name: a, in: logs/app.log, ask: top, by: fields 1-3}]
    watch: [{patterns: [a, b]}]
""",
    )
    policy = policies_of(operations)["shop"]
    assert policy.paths == (f"{tmp_path}/logs/app.log", "/var/log/shop/*.log")
    assert policy.rotate is not None
    assert (policy.rotate.every, policy.rotate.keep, policy.rotate.pack_after, policy.rotate.size) == ("daily", 30, 1, 100 * 2**20)
    assert (policy.rotate.create, policy.rotate.at_least, policy.rotate.max_age) == (Owner(0o644, "shop", "adm"), 4096, timedelta(days=90))
    assert policy.clean == (Clean("/var/log/shop", "*.gz", timedelta(days=30)),)
    assert [question.name for question in policy.questions] == ["a", "a-2"]
    assert [watch.name for watch in policy.watches] == ["a and b"]
    assert texts_of(operations) == {"logs/shop/then": "systemctl reload shop"}
    assert recurring_of(operations) == [Recurring("logs/shop", Work("rotation", "shop"), "daily", "UTC")]


@pytest.mark.parametrize(
    ("rotate", "said"),
    [
        ("compress: sometimes", 'expected "after 1"'),
        ("create: 644 a b c", "mode, user and group"),
        ("every: now and then", "is not a cadence"),
        ("reopen: KILL", "HUP"),
        ("pid_file: /run/x.pid", "give reopen too"),
        ("copy_and_truncate: true, reopen: HUP", "needs no reopen or then"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, rotate: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(tmp_path, f"  shop:\n    rotate: {{{rotate}}}\n")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('clean: [{under: /, names: "*", older_than: 1d}]', "is no folder to clean up in"),
        ('clean: [{under: /etc, names: "*", older_than: 1d}]', "is no folder to clean up in"),
        ('clean: [{under: /var/../etc, names: "*", older_than: 1d}]', "is no folder to clean up in"),
        ('clean: [{under: /var/log, names: "../*", older_than: 1d}]', "without folders"),
        ('watch: [{pattern: "("}]', "no regular expression"),
        ("analyse: [{name: a, in: b, ask: top, by: no such thing}]", "a label such as status"),
        ("zone: Mars/Phobos", "is no time zone"),
    ],
)
def test_what_else_cannot_be_is_said(tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(tmp_path, f"  shop:\n    {keys}\n")
