"""A figure that is to be watched, without the limit from which on somebody is to be told. Pure."""

from keepwell.kernel.comparisons import parse_comparison

from .limits_in_words import metric_of
from .model import Disposition, Fate, Found, LimitDraft, Missing, View, Wanting
from .names import slug
from .topics import about


def unlimited(view: View, words: str, severity: str = "warning", over: str = "") -> Found:
    """A rule that waits for its limit; with the one that ``view.values`` gives, it is whole."""
    figure = " ".join(words[:200].lower().split())[:60]
    name = f"LIMIT_{slug(figure).replace('-', '_').upper() or 'FIGURE'}"
    given = view.values.get(name, "").strip()
    capabilities = about(view, "rule")
    if _is_limit(given):
        end = f" for {over}" if over else ""
        draft = LimitDraft(metric_of(figure), warn=given, over=over, severity=severity, words=f"{figure} {given}{end}")
        return Found(Fate.RULE, capabilities, drafts=(draft,))
    missing = Missing(name, Wanting.VALUE, view.item.text[:80], f"From which {figure} on is somebody to be told? (such as > 80%)", "limit")
    return Found(
        Fate.RULE,
        capabilities,
        disposition=Disposition.MISSING,
        missing=(missing,),
        reason="the manual names the figure and no limit for it",
    )


def _is_limit(text: str) -> bool:
    try:
        parse_comparison(text)
    except ValueError:
        return False
    return True
