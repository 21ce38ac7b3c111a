"""Labels, annotations and silences are anybody's text: both databases give back what was put in, and the desk goes on."""

from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.rooms.alerts.model import Matcher, Posted, Silence
from tests.alerts_desk import rig_on

TEXTS = {
    "NUL": "nul\0x",
    "long": "x" * 5_000,
    "beyond the basic plane": "\U0001f600" * 1_000,
    "no characters": "\u202e\0\ufffd\uffff",
    "several lines": "a\nb\r\n\t",
    "SQL": "'; DROP TABLE alert; --",
    "markup and templates": "{{ .x }} <script>alert(1)</script>",
    "controls": "\x1b[31m\x7f\x80\x9f",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_any_text_is_kept(database_place: Path | str, text: str) -> None:
    async with rig_on(database_place) as rig:
        labels = {"alertname": text, "severity": text, "service": text, text: text}
        await rig.desk.post([Posted(labels, {text: text})], text)
        await rig.after(20)
        now = rig.clock.now()
        silence = await rig.desk.silence(
            Silence("", (Matcher(text, "=", text),), now, now + timedelta(hours=1), now, text, text, annotations={text: text}), text
        )
        (notice,) = await rig.notices()
        assert dict(notice.alerts[0].labels) == labels
        (standing,) = (await rig.restarted()).desk.standings().alerts
        assert dict(standing.alert.labels) == labels
        assert dict(standing.alert.annotations) == {text: text}
        assert standing.silenced_by == [silence.id]
