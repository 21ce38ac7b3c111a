"""What silences an alert is known until it changes, and always as it would be found anew."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.alerts.model import Alert, Matcher, Silence, State
from keepwell.rooms.alerts.routing.silencing import Silencer
from keepwell.rooms.alerts.silenced import Silenced

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def alert(number: int, team: str) -> Alert:
    return Alert(number, "", {"alertname": "a", "team": team}, {}, "api", State.FIRING, NOW, NOW)


SILENCES = st.lists(
    st.tuples(st.sampled_from("xy"), st.integers(0, 20), st.integers(1, 9)).map(
        lambda one: Silence(f"{one[0]}{one[1]}-{one[2]}", (Matcher("team", "=", one[0]),), at(one[1]), at(one[1] + one[2]), NOW, "anna", "")
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)


@given(SILENCES, st.lists(st.tuples(st.integers(-2, 30), st.sampled_from("xyz")), max_size=20))
def test_as_if_it_were_found_anew(silences: list[Silence], asked: list[tuple[int, str]]) -> None:
    silenced, plain = Silenced(silences), Silencer(silences)
    for seconds, team in asked:  # the clock may be set back
        one = alert(ord(team), team)
        assert list(silenced.by(one, at(seconds))) == list(plain.silenced_by(one.labels, at(seconds)))


def test_an_alert_that_is_over_is_forgotten() -> None:
    silenced = Silenced([Silence("s", (Matcher("team", "=", "x"),), NOW, at(9), NOW, "anna", "")])
    assert [one.id for one in silenced.by(alert(1, "x"), NOW)] == ["s"]
    silenced.forget(alert(1, "x"))
    assert silenced.by(alert(1, "y"), NOW) == []
