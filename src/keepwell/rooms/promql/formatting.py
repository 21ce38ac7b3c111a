"""An expression laid out for reading, as Prometheus' ``format_query`` gives it."""

import json

from keepwell.rooms.promql.literals import general, unquoted
from keepwell.rooms.promql.rewrite import restored, rewrite
from keepwell.rooms.promql.tokens import Token, scan


def formatted(text: str) -> str:
    """The expression on several lines where it is long. Raises BadQuery."""
    import promql_parser  # one and a half megabytes, which only those need who ask

    rewritten = rewrite(text, scan(text))
    tree = promql_parser.parse(rewritten.text)
    return _as_go_writes(restored(str(tree.prettify()), rewritten))


def _as_go_writes(text: str) -> str:
    """The same with numbers as Go's ``%v`` has them (``1e+09``, ``+Inf``), and every string between double quotes."""
    parts: list[str] = []
    end, before = 0, ""
    for token in scan(text):
        is_signed = before == "-" and token.start == end
        parts += [text[end : token.start], _literal(token, before, is_signed)]
        end, before = token.end, token.text
    return "".join([*parts, text[end:]])


def _literal(token: Token, before: str, is_signed: bool) -> str:
    if token.sort == "number" and before != "@" and not token.text[-1].isalpha():
        return general(float(token.text))
    if token.sort == "name" and token.text == "Inf" and not is_signed:
        return "+Inf"
    if token.sort == "string" and token.text[0] != '"':
        return json.dumps(unquoted(token.text), ensure_ascii=False)
    return token.text
