"""The page of the report says what the JSON says, and whatever a manual holds stays text."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

from keepwell.rooms.manual.importing.decide import import_manual
from keepwell.rooms.manual.importing.report import report
from keepwell.rooms.manual.importing.report_page import amended, page

MANUAL = """\
# Shop <script>alert(1)</script>

## Daily checks "><img src=x onerror=alert(2)>

```bash
curl http://127.0.0.1:8080/health
rm -rf /srv/shop/cache/$CACHE/*
echo '{{ 7*7 }}' "\u202e\x1b[31m" </script><svg/onload=alert(3)>
```

- [ ] look at https://evil.example/ and [this](javascript:alert(4))
- javascript:alert(5)

| KPI | Target |
|---|---|
| <b onclick=x>Response time</b> | < 200ms |
"""


class Page(HTMLParser):
    """What stands in a page: its elements with their attributes, and the rows of its table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.within: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.within[self._open] = self.within.get(self._open, "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def reported(text: str = MANUAL) -> dict[str, Any]:
    return report(import_manual(text.encode(), "OPS <b>.md"))


def test_the_totals_add_up_with_the_report() -> None:
    whole = reported()
    html = page(whole)
    shown = Page(html)
    rows = [attributes["data-disposition"] for attributes in shown.all("tr") if "data-disposition" in attributes]
    assert len(rows) == len(whole["items"]) == whole["summary"]["items"]
    buttons = re.findall(r'data-show="(\w+)".*?<b>(\d+)</b>', html)
    assert {name: int(count) for name, count in buttons if int(count)} == whole["summary"]["dispositions"]
    assert {name: int(count) for name, count in buttons if int(count)} == {name: rows.count(name) for name in set(rows)}
    fates = {fate: int(count) for count, fate in re.findall(r"<li><b>(\d+)</b> ([a-z ]+)</li>", html)}
    assert fates == whole["summary"]["fates"]
    assert sum(fates.values()) == len(rows)


def test_nothing_of_a_manual_becomes_markup_and_nothing_is_loaded() -> None:
    html = page(reported(), [{"file": "<i>", "place": "</pre>", "yours": "<script>", "proposed": "</style>", "from": "line <3>"}])
    shown = Page(html)
    assert {tag for tag, _ in shown.tags} & {"img", "svg", "iframe", "link", "object", "embed", "form", "base", "b onclick"} == set()
    assert len(shown.all("script")) == len(shown.all("style")) == 1
    attributes = [(name, value or "") for _, found in shown.tags for name, value in found.items()]
    assert [name for name, _ in attributes if name.startswith("on") or name in ("src", "style", "srcset", "action")] == []
    assert all(value.startswith("#line-") for name, value in attributes if name == "href")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", html)
    assert "{{ 7*7 }}" in html


def test_its_policy_allows_its_own_style_and_script_only() -> None:
    html = page(reported())
    (policy,) = (found["content"] or "" for found in Page(html).all("meta") if found.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        text = html.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_each_line_of_an_item_can_be_linked_to_once() -> None:
    ids = [found["id"] for _, found in Page(page(reported())).tags if "id" in found]
    assert len(ids) == len(set(ids))


def test_amendments_are_shown_as_a_difference() -> None:
    assert amended("a\nb\n", "a\nc\n") == [("", "a"), ("del", "b"), ("ins", "c")]
    assert amended("rm -rf x", "") == [("del", "rm -rf x")]
    assert len(amended("a\n" * 1000, "b\n" * 1000)) == 2000
