"""What a small manual looks at becomes checks of the kinds that ask the same: they validate, have a name and an interval, and need nobody's
acceptance."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.decide import import_manual

MANUAL = """\
# Shop

## Daily checks

```bash
systemctl status shop --no-pager
redis-cli -h cache1 ping
kubectl get deployment api -n shop
docker system df
nslookup www.shop.internal
curl -s 'http://metrics:9090/api/v1/query?query=up' | jq -r '.data.result[0].value[1]'
curl -s http://alertmanager:9093/api/v2/alerts
openssl x509 -in /etc/shop/cert.pem -noout -enddate
find /srv/shop -type f -perm /o+w
apt list --upgradable
ls -lh /var/log/shop/
[ -f /backups/latest.success ]
```

### Backup age

```bash
# Is the newest backup of today?
ls -la /backups/shop
```
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An operations directory made of the manual."""
    folder = tmp_path_factory.mktemp("shop")
    folder.joinpath("keepwell.yaml").write_text(
        import_manual(MANUAL.encode(), "manual.md", sound=verbs.check_problem).files["keepwell.yaml"]
    )
    return folder


def written(directory: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(directory.joinpath("keepwell.yaml").read_text())
    return document["checks"]  # type: ignore[no-any-return]


def test_each_line_is_a_check_of_its_kind(directory: Path) -> None:
    assert written(directory) == {
        "service-shop": {"systemd": {"unit": "shop"}, "every": "1m"},
        "redis-ping": {"redis": {"address": "redis://cache1:6379"}, "every": "1m"},
        "api": {"kubernetes": {"deployment": "api", "namespace": "shop"}, "every": "1m"},
        "docker-space": {"docker": {"disk": {}, "reclaimable": {}}, "every": "1h"},
        "name-www-shop-internal": {"dns": {"name": "www.shop.internal"}, "every": "5m"},
        "up": {"prometheus": {"target": "metrics", "query": "up", "no_data": "fail"}, "every": "1m"},
        "active-alerts": {"alertmanager": {"target": "alertmanager"}, "every": "1m"},
        "certificate-cert-pem": {"tls": {"file": "/etc/shop/cert.pem"}, "every": "6h"},
        "permissions-srv-shop": {"file": {"path": "/srv/shop", "world_writable": {}}, "every": "1d"},
        "security-updates": {"updates": {"reboot": "ok"}, "every": "1d", "timeout": "1m"},
        "logs-var-log-shop": {"file": {"path": "/var/log/shop", "type": "directory", "depth": 1, "largest": {}}, "every": "5m"},
        "latest-success": {"file": {"path": "/backups/latest.success", "age": {}}, "every": "5m"},
        "newest-backups-shop": {"file": {"path": "/backups/shop", "newest": {}}, "every": "1h"},
    }


def test_it_validates_and_runs_without_acceptance(directory: Path) -> None:
    checks = verbs.load_checks(str(directory))
    assert len(checks) == len(written(directory))
    assert [check.name for check in checks if check.waiting] == []


@pytest.mark.parametrize(
    ("heading", "newest"),
    [("Daily backup age", {}), ("Weekly backup age", {"fail": "> 8d"}), ("Monthly backup age", {"fail": "> 32d"}), ("Backup age", None)],
)
def test_how_old_the_newest_copy_may_be_follows_from_how_often_somebody_looks(heading: str, newest: dict[str, str] | None) -> None:
    manual = f"# Shop\n\n## {heading}\n\n```bash\nls -la /backups/shop\n```\n"
    document = yaml.safe_load(import_manual(manual.encode(), "manual.md").files["keepwell.yaml"])
    assert [check["file"]["newest"] for check in document["checks"].values()] == ([newest] if newest is not None else [])


@pytest.mark.parametrize(
    "line",
    [
        "redis-cli -h 169.254.169.254 -p 80 ping",
        "curl -s 'http://169.254.169.254/api/v1/query?query=up'",
        "redis-cli -u redis://:hunter22@cache1 ping",
    ],
)
def test_no_kind_asks_for_credentials_or_holds_one(line: str) -> None:
    files = import_manual(f"# Shop\n\n```bash\n{line}\n```\n".encode(), "manual.md", sound=verbs.check_problem).files
    assert yaml.safe_load(files["keepwell.yaml"])["checks"] == {}
    assert "hunter22" not in files["keepwell.yaml"]
