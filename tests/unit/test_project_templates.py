"""Templates keep the house's rule too: a room's pages take from their own folder and from ``web/templates``, never from another room's."""

import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "keepwell"
SHARED = SOURCE / "web" / "templates"
NAMED = re.compile(r"""\{%-?\s*(?:from|include|import|extends)\s+["']([^"']+)["']""")


def test_no_room_takes_a_template_from_another() -> None:
    pages = sorted((SOURCE / "rooms").rglob("*.html"))
    assert len(pages) > 30
    found, wrong = 0, []
    for page in pages:
        for name in NAMED.findall(page.read_text()):
            found += 1
            folder, _, file = name.rpartition("/")
            own = folder in page.parts and (page.parent / file).is_file()
            if not own and not (not folder and (SHARED / file).is_file()):
                wrong.append(f"{page.relative_to(SOURCE)}: {name}")
    assert found > 30
    assert wrong == []
