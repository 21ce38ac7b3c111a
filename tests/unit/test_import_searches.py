"""A script that is made to end at its first failure goes on where a search found nothing, and only there."""

import re
import subprocess
from pathlib import Path

import pytest

from keepwell.rooms.manual.importing.decide import import_manual

MANUAL = """\
# Shop

## Monthly maintenance

```bash
#!/bin/bash
# /opt/shop/monthly.sh
tar -czf "backup-$(date +%Y%m%d).tar.gz" shop
cat updates | grep -i security
grep wanted updates | grep -q 1 && echo found
if grep nobody updates; then echo never; fi
cat missing | cat
echo "Backup done"
```
"""
SEARCH = "cat updates | { grep -i security || [ $? -eq 1 ]; }"


def _script() -> str:
    made = import_manual(MANUAL.encode(), "shop.md")
    text = made.files["runbooks/monthly-maintenance.md"]
    (script,) = re.findall(r"^```bash [^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert "a search that finds nothing ends with 1, which is no failure" in text
    return str(script)


def test_only_the_search_that_shows_what_it_finds_is_lenient() -> None:
    script = _script()
    assert script.count("|| [ $? -eq 1 ]") == 1
    assert f"{SEARCH}\n" in script


@pytest.mark.parametrize(("updates", "missing", "status"), [("", True, 0), ("security 1\n", True, 0), ("", False, 1), (None, True, 1)])
def test_bash_goes_on_where_nothing_was_found_and_ends_where_something_failed(
    tmp_path: Path, updates: str | None, missing: bool, status: int
) -> None:
    (tmp_path / "shop").mkdir()
    if updates is not None:
        (tmp_path / "updates").write_text(updates)
    if missing:
        (tmp_path / "missing").write_text("")
    done = subprocess.run(("bash", "-c", _script()), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert ("Backup done" in done.stdout) is (status == 0)
