"""The sections ``rules`` and ``figures``."""

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from keepwell.config.options import Duration, Limit, Options, Reference

from .when import When, figure_name, parse_when

ANY_CHECK = "*"
_FORMS = ("expr", "when", "kpi", "check")


def _condition(text: str) -> str:
    parse_when(text)
    return text


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise PydanticCustomError("name", "a name is one line of text that is not empty")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]


class RuleOptions(Options):
    """A reason to tell somebody: an expression (``expr``), words (``when``), a figure with two limits (``kpi``), or a check's state."""

    alert: Name | None = None
    """The alert's name. A KPI has its own as a default (ErrorRate), a check CheckFailed, CheckWarns or CheckUnknown."""
    expr: Annotated[str, Field(min_length=1)] | None = None
    """PromQL: every series that it gives is an alert. With kpi: what is measured, without the comparison."""
    when: Annotated[str, AfterValidator(_condition)] | None = None
    """The same in words, such as error rate > 10% for 5m; figures says what the words measure. Until it does the rule waits."""
    kpi: Name | None = None
    """A figure with two limits, such as error rate: two alerts, of which the critical one inhibits the other."""
    check: Annotated[str, Reference("checks", also=ANY_CHECK)] | None = None
    """A check, or * for every check without a rule of its own: these rules are instead of those that every check has."""
    state: Literal["fail", "warn", "unknown"] = "fail"
    """With check: the state that is a reason; warn means warn or fail."""
    warning: Limit | None = None
    """With kpi: from where on it is a warning, such as > 1%."""
    critical: Limit | None = None
    """With kpi: from where on it is critical, such as > 5%."""
    group: Name = "rules"
    """Rules of one group stand together in lists, and their thresholds below its name in the API."""
    hold: Duration = Field(default=timedelta(0), alias="for")
    """The condition must hold so long before the alert fires; until then it is pending."""
    keep_firing_for: Duration = timedelta(0)
    """So long the alert still fires after its condition ended."""
    recovery: Annotated[str, Field(min_length=1)] | None = None
    """When it is over, where that is not simply the opposite: a comparison of the same figure such as < 5%, or PromQL."""
    severity: Name | None = None
    """The label severity: how bad it is."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of its alerts, for routes; templates as in Prometheus."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Texts for people, such as summary and description; templates as in Prometheus."""
    runbook: str | None = None
    """What to do: a runbook of this directory, or an address. It becomes the annotation runbook or runbook_url."""
    every: Duration = timedelta(seconds=15)
    """How often it is evaluated at least. Where samples that it needs have come it is evaluated sooner."""
    no_data_for: Duration = timedelta(minutes=5)
    """After so long without anything to compare, the alert NoData fires; after as long an error, RuleError."""
    enabled: bool = True
    """Whether it is evaluated at all."""

    @property
    def condition(self) -> When | None:
        """What ``when`` says."""
        return parse_when(self.when) if self.when is not None else None

    @property
    def name(self) -> str:
        """The alert's name."""
        if self.alert is not None:
            return self.alert
        if self.kpi is not None:
            return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[^\W_]+", self.kpi)) or "Kpi"
        return {"fail": "CheckFailed", "warn": "CheckWarns", "unknown": "CheckUnknown"}[self.state]

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        written = [form for form in _FORMS if getattr(self, form) is not None and not (form == "expr" and self.kpi is not None)]
        if len(written) != 1:
            found = f"it has {' and '.join(written)}" if written else "it has none"
            raise ValueError(f"a rule has exactly one of expr, when, kpi and check; {found}")
        if self.alert is None and written[0] in ("expr", "when"):
            raise ValueError("the rule has no name: write alert: and what it is to be called")
        if (self.kpi is not None) is not (self.warning is not None or self.critical is not None):
            raise ValueError("kpi belongs together with warning, critical or both: write kpi: error rate, warning: > 1%, critical: > 5%")
        if self.check is not None and self.recovery is not None:
            raise ValueError("a check's recovery is when it is ok again: remove recovery, or write recover_after in the check")
        if self.check is None and "state" in self.model_fields_set:
            raise ValueError("state is a check's: write check: NAME, or remove it")
        return self

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if self.severity is not None and "severity" in self.labels:
            raise ValueError("the severity stands in severity and in labels: write it once")
        if self.kpi is not None and (self.severity is not None or "severity" in self.labels):
            raise ValueError("a KPI's alerts have the severities warning and critical: remove severity")
        condition = self.condition
        if condition is not None and condition.hold is not None and "hold" in self.model_fields_set:
            raise ValueError("how long it must hold stands in when and in for: write it once")
        if self.warning is not None and self.critical is not None and not _is_worse(self.critical, self.warning):
            raise ValueError(f"critical {self.critical} is not worse than warning {self.warning}: it must lie further the same way")
        if self.every < timedelta(seconds=1):
            raise ValueError("every is below one second: write every: 1s or longer")
        for name in self.labels:
            if not name or name in ("__name__", "alertname"):
                raise ValueError(f"{name or 'an empty name'} cannot be a label here: an alert has its name from alert")
        return self


def _is_worse(critical: Any, warning: Any) -> bool:
    return bool(warning.covers(critical)) and not critical.covers(warning)


class FiguresOptions(Options):
    """What the words of rules measure. Written as names with PromQL."""

    listed: ClassVar[str] = "A name, in the words that rules use, and PromQL; such as `error rate: rate(failed[5m]) / rate(all[5m])`."

    figures: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_names(cls, value: Any) -> Any:
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(text, str) and text.strip() for text in value.values()):
            expected = 'names with PromQL, such as error rate: "rate(failed[5m]) / rate(all[5m])"'
            raise PydanticCustomError("expected", "expected {expected}", {"expected": expected})
        named = {figure_name(name): text for name, text in value.items()}
        if len(named) < len(value):
            raise PydanticCustomError("figures", "two names mean the same figure: capitals and spaces do not count")
        return {"figures": named}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        handler(schema)
        return {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
