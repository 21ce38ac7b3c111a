"""Selectors of series, as Prometheus writes them: ``name``, ``name{label="x",other=~"re"}``, ``{label="x"}``.

Parsed by promql-parser (Prometheus, "Querying basics", "Instant vector selectors"); what is more than a plain selector is refused.
"""

import re

from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import NAME, Matcher, Operator

_LONGEST = 4000
_PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_HINT = 'write a metric\'s name and what its labels must be, such as http_requests_total{code=~"5..",job="api"}'
_OPERATORS: dict[str, Operator] = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def read_selector(text: str) -> tuple[Matcher, ...]:
    """What the labels of a series must be, the metric's name first, as a matcher of ``__name__``.

    Raises UsageError with one sentence: what cannot be read, what is no plain selector, a regular expression that RE2 does not take, and
    a selector that every series would fit (as Prometheus refuses it).
    """
    written = text.strip()
    if _PLAIN.fullmatch(written) and len(written) <= _LONGEST:
        return (Matcher(NAME, "=", written),)
    if not 0 < len(written) <= _LONGEST:
        raise UsageError(f"A selector has 1 to {_LONGEST} characters, this one {len(written)}", hint=_HINT)
    import promql_parser

    try:
        found = promql_parser.parse(written)
    except ValueError as error:
        raise UsageError(f"The selector {quoted(written)} cannot be read: {error}", hint=_HINT) from None
    if not isinstance(found, promql_parser.VectorSelector):
        raise UsageError(f"{quoted(written)} is more than a selector of series", hint=_HINT)
    if found.offset is not None or found.at is not None or found.matchers.or_matchers:
        raise UsageError(f"{quoted(written)} has a part that is no plain selector (offset, @ or or)", hint=_HINT)
    named = (Matcher(NAME, "=", found.name),) if found.name else ()
    return (*named, *(_matcher(one.name, _OPERATORS[str(one.op)], one.value) for one in found.matchers.matchers))


def _matcher(label: str, operator: Operator, value: str) -> Matcher:
    if operator in ("=~", "!~"):
        import re2

        options = re2.Options()
        options.log_errors = False
        try:
            re2.compile(value, options=options)
        except re2.error as error:
            why = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
            raise UsageError(f"The expression {quoted(value)} of {label} is none of RE2: {why}", hint=_HINT) from None
    return Matcher(label, operator, value)
