"""An expression laid out for reading, as Prometheus' ``format_query`` gives it."""

import promql_parser

from keepwell.rooms.promql.rewrite import restored, rewrite
from keepwell.rooms.promql.tokens import scan


def formatted(text: str) -> str:
    """The expression on several lines where it is long. Raises BadQuery."""
    rewritten = rewrite(text, scan(text))
    tree = promql_parser.parse(rewritten.text)
    return restored(str(tree.prettify()), rewritten)
