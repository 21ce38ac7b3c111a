"""Go's templates, as rules use them."""

import contextlib
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.promql.templates.model import Found, TemplateError
from keepwell.rooms.promql.templates.rule_texts import Outside, QueryWanted, check_template, expanded

SERIES = [Found({"__name__": "m", "instance": "b.example:90", "n": "2"}, 2.0), Found({"instance": "a.example", "n": "1"}, 1.5)]
OUTSIDE = Outside({"region": "north"}, "http://keepwell.example/ops")
ANSWERS = {"m": SERIES, "m{instance='h.example:9100'}": SERIES}


def shown(text: str, value: float = 1234567.0, answers: Mapping[str, Sequence[Found]] | None = None) -> str:
    return expanded(text, Found({"job": "api", "instance": "h.example:9100"}, value), OUTSIDE, {**ANSWERS, **(answers or {})}, 60_000)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain } text", "plain } text"),
        ("{{ $labels.job }} {{ .Labels.instance }} {{ $value }}", "api h.example:9100 1.234567e+06"),
        (
            "{{ $labels.missing }}|{{ $externalLabels.region }}|{{ $externalURL }}|{{ pathPrefix }}",
            "|north|http://keepwell.example/ops|/ops",
        ),
        ("a  {{- /* said */ -}}  b {{- 1 -}} c", "ab1c"),
        ("{{ if gt $value 1e6 }}many{{ else if eq $value 1.0 }}one{{ else }}few{{ end }}", "many"),
        ("{{ if and (eq $labels.job `api`) (not false) }}yes{{ end }}", "yes"),
        ("{{ if or false $labels.none }}yes{{ else }}no{{ end }}", "no"),
        (
            "{{ if eq $value 1 }}{{ end }}",
            "<error expanding template: incompatible types for comparison: write 1.0 beside a decimal number>",
        ),
        ("{{ with query `m` | first }}{{ .Labels.instance }}={{ . | value }}{{ else }}none{{ end }}", "b.example:90=2"),
        ("{{ with query `m` }}{{ . | first | label `n` }}{{ end }}", "2"),
        ("{{ range $i, $s := query `m` | sortByLabel `instance` }}{{ if $i }}, {{ end }}{{ $s.Value }}{{ end }}", "1.5, 2"),
        ("{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}", "instance=h.example:9100;job=api;"),
        ("{{ range query `m` }}{{ if eq .Value 1.5 }}{{ break }}{{ end }}{{ .Value }}{{ else }}none{{ end }}", "2"),
        ("{{ $n := 1 }}{{ range query `m` }}{{ $n = len .Labels }}{{ end }}{{ $n }}", "2"),
        ("{{ define `x` }}<{{ . }}>{{ end }}{{ template `x` $labels.job }}{{ tmpl `x` 1 }}", "<api><1>"),
        ("{{ index $labels `job` }} {{ len $labels.job }} {{ slice $labels.job 1 }}", "api 3 pi"),
        (
            "{{ printf `%.2f|%5d|%-4s|%q|%v|%x|%05.1f|%%` $value 42 `ab` `c` $value 255 2.25 }}",
            '1234567.00|   42|ab  |"c"|1.234567e+06|ff|002.2|%',
        ),
        ("{{ printf `%d %s` $value }}", "%!d(float64=1.234567e+06) %!s(MISSING)"),
        ("{{ printf `x` 1 }}", "x%!(EXTRA int=1)"),
        ("{{ print 1 2 `a` 3 }} {{ $value | printf `%.0f` }}", "1 2a3 1234567"),
        ("{{ $labels }}", "map[instance:h.example:9100 job:api]"),
        ("{{ $value | humanize }} {{ $value | humanize1024 }} {{ 0.0123 | humanize }} {{ 0.0 | humanize }}", "1.235M 1.177Mi 12.3m 0"),
        ("{{ 93784.0 | humanizeDuration }} {{ 59.5 | humanizeDuration }} {{ 0.0021 | humanizeDuration }}", "1d 2h 3m 4s 59.5s 2.1ms"),
        ("{{ -3700 | humanizeDuration }} {{ 0.12345 | humanizePercentage }}", "-1h 1m 40s 12.35%"),
        ("{{ 1435065584.128 | humanizeTimestamp }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ('{{ (1435065584.0 | toTime).Format "2006-01-02 15:04" }} {{ (toTime 0.0).Unix }}', "2015-06-23 13:19 0"),
        (
            "{{ toDuration 5400 }} {{ toDuration 1.5 }} {{ toDuration 0.02 }} {{ toDuration -61 }} {{ toDuration 0 }}",
            "1h30m0s 1.5s 20ms -1m1s 0s",
        ),
        ("{{ now }} {{ urlQueryEscape `a b&c` }} {{ `{{` }}", "60 a+b%26c {{"),
        (
            "{{ with printf `m{instance='%s'}` $labels.instance | query }}{{ . | first | value | humanize1024 }}B{{ end }}",
            "2B",
        ),
        ("{{ parseDuration `1h30m` }} {{ `12` | humanize }}", "5400 12"),
        (
            "{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripDomain `10.0.0.1:80` }}",
            "h.example h:9100 10.0.0.1:80",
        ),
        ("{{ reReplaceAll `(.*):(?P<p>.*)` `$2/${p}/$$` `a:b` }} {{ match `^a` `ab` }}", "b/b/$ true"),
        ('{{ match "a.b" "a\\nb" }} {{ match "a.b" "a b" }}', "false true"),
        ('{{ match "(" "a" }}', "<error expanding template: error parsing regexp: missing ): (: `(`>"),
        ("{{ title `two words` }} {{ toUpper `a` }} {{ toLower `B` }}", "Two Words A b"),
        ("{{ graphLink `up > 0` }} {{ tableLink `up` }}", "/graph?g0.expr=up+%3E+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1"),
        ("{{ (args 1 `b`).arg1 }} {{ html `<a>` }} {{ urlquery `a b` }} {{ safeHtml `<` }}", "b &lt;a&gt; a+b <"),
        ("{{ query `none` | first }}", "<error expanding template: first() called on vector with no elements>"),
        ("{{ len 1 }}", "<error expanding template: len of a value that has none>"),
        ("{{ stripPort }}", "<error expanding template: wrong number of args: got 0>"),
    ],
)
def test_a_text_is_expanded_as_prometheus_does(text: str, wanted: str) -> None:
    assert shown(text, answers={"none": []}) == wanted


@pytest.mark.parametrize("value", [0.0, 1.0, 1e21, 1e-7, 123456789.5, float("nan"), float("inf"), -0.5])
def test_numbers_are_written_as_go_writes_them(value: float) -> None:
    wanted = {0.0: "0", 1.0: "1", 1e21: "1e+21", 1e-7: "1e-07", 123456789.5: "1.234567895e+08", float("inf"): "+Inf", -0.5: "-0.5"}
    assert shown("{{ $value }}", value) == wanted.get(value, "NaN")


@pytest.mark.parametrize(
    ("text", "words", "at"),
    [
        ("{{ $label.x }}", "undefined variable '$label'", 3),
        ("{{ nothing }}", "function 'nothing' not defined", 3),
        ("{{ if true }}", "{{end}} is missing", 3),
        ("{{ end }}", "unexpected {{end}}", 3),
        ("a {{ `x", "unexpected '`' in an action", 5),
        ("{{ 1 | 2 }}", "no function stands behind |", 7),
        ("{{ }}", "missing value", 0),
        ("{{ break }}", "outside {{range}}", 3),
        ("{{ (1 }}", "unclosed left bracket", 3),
        ("{{/* x }}", "unclosed comment", 2),
    ],
)
def test_what_is_no_template_is_refused_with_its_place(text: str, words: str, at: int) -> None:
    with pytest.raises(TemplateError) as raised:
        check_template(text)
    assert words in str(raised.value)
    assert raised.value.at == at


def test_a_query_without_an_answer_is_asked_for() -> None:
    with pytest.raises(QueryWanted) as raised:
        shown("{{ query `up` | first | value }}")
    assert raised.value.text == "up"


@pytest.mark.parametrize(
    "text",
    [
        "{{ define `x` }}{{ template `x` . }}{{ end }}{{ template `x` . }}",
        "{{ range 99999 }}{{ range 99999 }}{{ end }}{{ $labels }}{{ end }}",
        "{{ printf `%2000d` 1 }}",
        "{{ range 100001 }}x{{ end }}",
    ],
)
def test_what_would_take_for_ever_ends(text: str) -> None:
    assert shown(text).startswith("<error expanding template: ")


@given(st.text(alphabet="{}-. $|()`\"'\\:=,09aeifndrgtwhlsv_\n/*", max_size=60))
def test_any_text_is_expanded_or_refused(text: str) -> None:
    try:
        check_template("{{" + text + "}}")
    except TemplateError:
        return
    with contextlib.suppress(QueryWanted):
        assert isinstance(shown("{{" + text + "}}"), str)
