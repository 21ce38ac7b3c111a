"""What is PromQL in Prometheus 3 and is refused here, with the reason: read by the parser, by the documentation and by the conformance
runner."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One construct: its name, the words by which it is recognised, and why it is refused."""

    construct: str
    words: tuple[str, ...]
    why: str


NATIVE = Refusal(
    "native histogram function",
    ("histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum"),
    "it reads native histograms, and only numbers are kept here; classic histograms have their series _count, _sum and _bucket",
)
TRIMMING = Refusal("native histogram operator", ("</", ">/"), "it trims native histograms, and only numbers are kept here")
EXPERIMENTAL = Refusal(
    "experimental function",
    (
        "double_exponential_smoothing",
        "end",
        "histogram_quantiles",
        "info",
        "mad_over_time",
        "max_of",
        "min_of",
        "range",
        "sort_by_label",
        "sort_by_label_desc",
        "start",
        "step",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
    ),
    "it is experimental in Prometheus: it may change or vanish there",
)
EXPERIMENTAL_AGGREGATION = Refusal(
    "experimental aggregation", ("limitk", "limit_ratio"), "it is experimental in Prometheus: it may change or vanish there"
)
EXTENDED = Refusal("extended range selector", ("anchored", "smoothed"), "it is experimental in Prometheus: it may change or vanish there")
FILL = Refusal("fill modifier", ("fill", "fill_left", "fill_right"), "it is experimental in Prometheus: it may change or vanish there")
DURATIONS = Refusal(
    "duration expression", (), "arithmetic on durations is experimental in Prometheus; write the duration as one number with its unit"
)
ALTERNATIVES = Refusal("alternative matchers", (), "Prometheus has no `or` between matchers; write two selectors with `or` between them")

REFUSALS = (NATIVE, TRIMMING, EXPERIMENTAL, EXPERIMENTAL_AGGREGATION, EXTENDED, FILL, DURATIONS, ALTERNATIVES)


def refusal_of_function(name: str) -> Refusal | None:
    """Why that function or aggregation is refused; None where it is not."""
    for refusal in (NATIVE, EXPERIMENTAL, EXPERIMENTAL_AGGREGATION):
        if name in refusal.words:
            return refusal
    return None
