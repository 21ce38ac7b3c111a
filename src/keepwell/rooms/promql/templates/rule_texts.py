"""The texts of rules: labels and annotations as templates about one series of an alert's expression."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .evaluate import expand
from .functions import NAMES, functions
from .model import Found, Template, TemplateError
from .parse import parse

_VARIABLES = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
"""What every text of a rule begins with, unseen (prometheus/rules/alerting.go)."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What texts may speak of beside the series: labels of the whole installation, and where its pages are reached."""

    labels: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


NO_OUTSIDE = Outside()


class QueryWanted(Exception):
    """The text asks a query of which no answer is at hand. ``text`` is the expression: ask it, and expand again."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


Answers = Mapping[str, Sequence[Found] | Exception]
"""What is known of queries: the series of an expression, or why it has none."""


def check_template(text: str) -> None:
    """Raises TemplateError (``at`` counts in this text) where it is no template."""
    try:
        _template(text)
    except TemplateError as error:
        raise TemplateError(str(error), max(0, error.at - len(_VARIABLES))) from None


@lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    return parse(_VARIABLES + text, NAMES)


def expanded(text: str, found: Found, outside: Outside, answers: Answers, at: int = 0) -> str:
    """The text about one series, at an instant in milliseconds since 1970. What cannot be expanded says so itself, as in Prometheus: an
    alert is not lost for it. Raises QueryWanted."""
    if "{{" not in text:
        return text

    def query(expression: str) -> Sequence[Found]:
        answer = answers.get(expression)
        if answer is None:
            raise QueryWanted(expression)
        if isinstance(answer, Exception):
            raise TemplateError(str(answer))
        return answer

    data = {"Labels": found.labels, "ExternalLabels": outside.labels, "ExternalURL": outside.url, "Value": found.value}
    try:
        return expand(_template(text), data, functions(outside.url, query, at), {})
    except TemplateError as error:
        return f"<error expanding template: {error}>"
