"""What expressions are worth, worked out by hand, written as test scripts (tests/conformance/promql.py runs them)."""

from pathlib import Path

import pytest

from tests.conformance.promql import run_text

EDGES = """
load 10s
  gauge 1 2 3 stale 5
  lone 7

eval instant at 5m10s lone @ 299.999
  lone 7

eval instant at 5m lone

eval instant at 29s gauge
  gauge 3

eval instant at 30s gauge

eval instant at 40s gauge
  gauge 5

eval instant at 20s sum_over_time(gauge[20s])
  {} 5

eval instant at 20s sum_over_time(gauge[20001ms])
  {} 6

eval instant at 40s count_over_time(gauge[1h])
  {} 4

eval range from 0 to 40s step 10s gauge offset 10s
  gauge _ 1 2 3 _

eval range from 0 to 40s step 10s gauge @ end()
  gauge 5 5 5 5 5

eval instant at 20s gauge[20s]
  expect range vector from 10s to 20s step 10s
  gauge 2 3
"""

RATES = """
load 10s
  up_total 5 15 25 35 45
  reset_total 100 130 10 40
  late_total _ _ _ 2 4
  down 40 30 20 10

eval instant at 40s increase(up_total[40s])
  expect no_info
  {} 40

eval instant at 40s rate(up_total[40s])
  {} 1

# Samples from 0 to 40 in a range that begins before them: half a distance is added, but only back to where the counter was 0.
eval instant at 40s increase(up_total[100s])
  {} 45

# 100 to 130, reset, 10, 40: 30 + 10 + 30 within 30s, no gap at the end, half a distance (5s) at the start.
eval instant at 30s increase(reset_total[60s])
  {} 81.66666666666667

eval instant at 30s resets(reset_total[60s])
  {} 1

eval instant at 30s irate(reset_total[20s])
  {} 3

eval instant at 20s irate(reset_total[20s])
  {} 1

eval instant at 40s increase(late_total[1m])
  {} 3

eval instant at 30s delta(down[30s])
  expect no_info
  {} -30

eval instant at 30s rate(down[30s])
  expect info msg: PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "down"
  {} 1.5

eval instant at 30s idelta(down[1m])
  {} -10

eval instant at 30s deriv(down[1m])
  {} -1

eval instant at 30s predict_linear(down[1m], 20)
  {} -10

eval instant at 10s rate(up_total[5s])
"""

NAMES = """
load 1m
  a_total{k="x"} 0 60 120
  b_total{k="x"} 0 120 240

eval instant at 2m last_over_time(a_total[2m])
  a_total{k="x"} 120

eval instant at 2m abs(a_total)
  {k="x"} 120

eval instant at 2m a_total > 100
  a_total{k="x"} 120

eval instant at 2m a_total > bool 100
  {k="x"} 1

eval instant at 2m a_total + b_total
  {k="x"} 360

eval instant at 2m label_replace(rate({k="x"}[2m]), "was", "$1", "__name__", "(.)_total")
  {k="x", was="a"} 1
  {k="x", was="b"} 2

eval instant at 2m label_join(rate({k="x"}[2m]), "__name__", ":", "k", "__name__")
  {__name__="x:a_total", k="x"} 1
  {__name__="x:b_total", k="x"} 2

eval instant at 2m rate({k="x"}[2m])
  expect fail msg: vector cannot contain metrics with the same labelset

eval instant at 2m sum(rate({k="x"}[2m]))
  {} 3

eval instant at 2m sum by (__name__) ({k="x"})
  a_total 120
  b_total 240

eval instant at 2m topk(1, rate({k="x"}[2m]))
  {k="x"} 2
"""

MATCHING = """
load 1m
  load{host="a", core="0"} 1
  load{host="a", core="1"} 3
  load{host="b", core="0"} 5
  owner{host="a", team="red"} 10
  owner{host="b", team="blue"} 100

eval instant at 0 load * on (host) group_left (team) owner
  {host="a", core="0", team="red"} 10
  {host="a", core="1", team="red"} 30
  {host="b", core="0", team="blue"} 500

eval instant at 0 owner / on (host) group_right () load
  {host="a", core="0"} 10
  {host="a", core="1"} 3.3333333333333335
  {host="b", core="0"} 20

eval instant at 0 owner < on (host) group_right (team) load * 20
  {host="a", core="0", team="red"} 10
  {host="a", core="1", team="red"} 10

eval instant at 0 load + on (host) owner
  expect fail msg: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)

eval instant at 0 owner + on (host) load
  expect fail regex: found duplicate series for the match group .host="a". on the right hand-side of the operation: .*;many-to-many .*

eval instant at 0 load{host="b"} + ignoring (core, team) owner
  {host="b"} 105

eval instant at 0 load and on (host) owner{team="red"}
  load{host="a", core="0"} 1
  load{host="a", core="1"} 3

eval instant at 0 load unless on (host) owner{team="red"}
  load{host="b", core="0"} 5

eval instant at 0 owner{team="red"} or on (host) load
  owner{host="a", team="red"} 10
  load{host="b", core="0"} 5

eval instant at 0 3 < load
  load{host="b", core="0"} 5

eval instant at 0 load == on () group_left () vector(3)
  load{host="a", core="1"} 3

eval range from 0 to 10m step 5m load{core="1"} or vector(9)
  load{host="a", core="1"} 3
  {} 9 9 9
"""

AGGREGATIONS = """
load 1m
  v{g="x", i="1"} 1
  v{g="x", i="2"} 4
  v{g="x", i="3"} NaN
  v{g="y", i="4"} 4
  v{g="y", i="5"} -2
  big{i="1"} 1.7e308
  big{i="2"} 1.7e308
  big{i="3"} -1.7e308

eval instant at 0 sum by (g) (v)
  {g="x"} NaN
  {g="y"} 2

eval instant at 0 min by (g) (v)
  {g="x"} 1
  {g="y"} -2

eval instant at 0 max(v)
  {} 4

eval instant at 0 avg(big)
  {} 5.666666666666667e+307

eval instant at 0 sum(big)
  {} Inf

eval instant at 0 stddev by (g) (v{i!="3"})
  {g="x"} 1.5
  {g="y"} 3

eval instant at 0 quantile by (g) (0.5, v)
  {g="x"} 1
  {g="y"} 1

eval instant at 0 topk(2, v)
  expect ordered
  v{g="x", i="2"} 4
  v{g="y", i="4"} 4

eval instant at 0 bottomk(9, v{g="x"})
  expect ordered
  v{g="x", i="1"} 1
  v{g="x", i="2"} 4
  v{g="x", i="3"} NaN

eval instant at 0 sort_desc(v{g="x"})
  expect ordered
  v{g="x", i="2"} 4
  v{g="x", i="1"} 1
  v{g="x", i="3"} NaN

eval instant at 0 count_values("value", v)
  {value="1"} 1
  {value="4"} 2
  {value="-2"} 1
  {value="NaN"} 1

eval instant at 0 count_values without (i) ("g", v)
  {g="1"} 1
  {g="4"} 2
  {g="-2"} 1
  {g="NaN"} 1

eval instant at 0 count_values("v", vector(1e6)) + on () group_left () vector(1.5e-7)
  {v="1000000"} 1.00000015

eval instant at 0 group without (i) (v)
  {g="x"} 1
  {g="y"} 1

eval instant at 0 topk(0, v)

eval instant at 0 count(v > 100)

eval instant at 0 quantile(-0.1, v)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got -0.1
  {} -Inf
"""

HISTOGRAMS = """
load 1m
  h_bucket{le="1"} 10
  h_bucket{le="2"} 30
  h_bucket{le="+Inf"} 40
  odd_bucket{le="1"} 10
  odd_bucket{le="2"} 5
  odd_bucket{le="3"} 20
  odd_bucket{le="Inf"} 20
  twice_bucket{le="0.5"} 1
  twice_bucket{le="5e-1"} 1
  twice_bucket{le="+Inf"} 4
  open_bucket{le="1"} 3
  wrong_bucket{le="much"} 3

eval instant at 0 histogram_quantile(0.5, h_bucket)
  expect no_info
  {} 1.5

eval instant at 0 histogram_quantile(0.125, h_bucket)
  {} 0.5

eval instant at 0 histogram_quantile(0.9, h_bucket)
  {} 2

eval instant at 0 histogram_quantile(0.6, odd_bucket)
  expect info regex: needed to be fixed for monotonicity .* for metric name "odd_bucket"
  {} 2.2

eval instant at 0 histogram_quantile(0.25, twice_bucket)
  {} 0.25

eval instant at 0 histogram_quantile(0.5, open_bucket)
  {} NaN

eval instant at 0 histogram_quantile(0.5, wrong_bucket)
  expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "much" for metric name "wrong_bucket"

eval instant at 0 histogram_quantile(1.5, h_bucket)
  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 1.5
  {} Inf

eval instant at 0 histogram_fraction(0.5, 1.5, h_bucket)
  {} 0.375

eval instant at 0 histogram_fraction(-Inf, Inf, h_bucket)
  {} 1

eval instant at 0 histogram_fraction(5, 9, h_bucket)
  {} 0

eval instant at 0 histogram_fraction(2, 1, h_bucket)
  {} 0

eval instant at 0 histogram_fraction(NaN, 1, h_bucket)
  {} NaN
"""

FUNCTIONS = """
load 10s
  s{src="a-1", x="old"} 1 -2.5 NaN
  steps 0 10 20 30 40 50 60

eval instant at 0 label_replace(s, "x", "${n}/$1/$$/$9", "src", "(?P<n>.)-(.)")
  s{src="a-1", x="a/a/$/"} 1

eval instant at 0 label_replace(s, "x", "", "none", ".*")
  s{src="a-1"} 1

eval instant at 0 label_replace(s, "x", "new", "src", "a")
  s{src="a-1", x="old"} 1

eval instant at 0 label_replace(s, "x", "$1", "src", "(")
  expect fail msg: invalid regular expression in label_replace(): (

eval instant at 0 label_join(s, "y", "+", "src", "none", "x")
  s{src="a-1", x="old", y="a-1++old"} 1

eval instant at 10s round(s)
  {src="a-1", x="old"} -2

eval instant at 10s round(s, 5)
  {src="a-1", x="old"} -0

eval instant at 10s clamp(s, -1, 1)
  {src="a-1", x="old"} -1

eval instant at 10s clamp(s, 1, -1)

eval instant at 20s sgn(s)
  {src="a-1", x="old"} NaN

eval instant at 20s min_over_time(s[1m])
  {src="a-1", x="old"} -2.5

eval instant at 20s sum_over_time(s[1m])
  {src="a-1", x="old"} NaN

eval instant at 20s changes(s[1m])
  {src="a-1", x="old"} 2

eval instant at 0 absent(gone{a="1", b=~"2", c="3", c="4"})
  {a="1"} 1

eval instant at 0 absent(sum(gone{a="1"}))
  {} 1

eval instant at 0 absent(s)

eval range from 0 to 20s step 10s absent_over_time(s[5s] offset 10s)
  {} 1

eval instant at 0 scalar(s) + scalar(gone)
  NaN

eval instant at 25s timestamp(s)
  {src="a-1", x="old"} 20

eval instant at 1h5m hour() * 100 + minute()
  {} 105

eval instant at 0 day_of_year(vector(951782400)) + days_in_month(vector(951782400)) / 100
  {} 60.29

eval instant at 0 day_of_week(vector(-86400)) + year(vector(-1)) / 10000
  {} 3.1969

eval instant at 1m sum_over_time(steps[30s:10s])
  {} 150

eval instant at 1m sum_over_time(steps[30s:10s] offset 5s)
  {} 120

eval instant at 1m max_over_time((steps < 35)[1m:10s])
  {} 30

eval instant at 1m avg_over_time(vector(time())[20s:5s])
  {} 52.5

eval instant at 1m quantile_over_time(0.25, steps[50s])
  {} 30

eval instant at 1m stdvar_over_time(steps[50s])
  {} 200
"""


@pytest.mark.parametrize(
    "script",
    [EDGES, RATES, NAMES, MATCHING, AGGREGATIONS, HISTOGRAMS, FUNCTIONS],
    ids=["edges", "rates", "names", "matching", "aggregations", "histograms", "functions"],
)
async def test_what_expressions_are_worth(script: str) -> None:
    tally = await run_text(Path("here"), script)
    assert tally.failures == []
    assert tally.skipped.total() == 0
    assert tally.passed == script.count("\neval ")
