"""How a sentence is meant: whether it asks a person for something, or is a question. Pure."""

import re

from .views import cadence_in

_VERBS = frozenset(
    re.findall(
        r"\w+",
        "hold order acknowledge activate add adjust allocate analyse analyze answer append apply approve archive ask assess assign attach "
        "attempt audit authorize automate avoid back block bootstrap bring build bump call cancel capture categorise categorize "
        "change check choose clarify classify clean clear click clone close collect communicate compare compile complete compress "
        "compute conduct configure confirm connect consider consult contact contain contribute convert coordinate copy cordon "
        "correct correlate count create deactivate debug decide decommission decrease decrypt define defragment delete demote "
        "deploy describe design detach determine develop disable discard disconnect discuss dispatch distribute document double "
        "downgrade download draft drain drop dump edit enable encrypt enforce enlarge ensure enter escalate establish estimate "
        "evaluate evict examine exclude execute exit expand export extract fetch figure fill finalize find fix flush follow force "
        "free freeze gather generate get give go grant halt handle harden identify ignore implement import include increase "
        "inform initialize initiate inject inspect install invalidate investigate invoke isolate join keep kill launch learn "
        "leave let limit list load locate lock log look lower maintain make manage mark measure merge migrate mitigate modify "
        "monitor mount move mute name navigate note notify observe obtain onboard open optimise optimize organise organize "
        "override page patch pause perform pin ping plan populate post postpone prepare preserve press prevent prioritise "
        "prioritize promote protect provide provision prune publish pull purge push put quarantine raise reach read reallocate "
        "reassess reassign rebalance reboot rebuild recalculate recheck reclaim reconcile reconfigure reconnect reconsider "
        "reconstruct record recover recreate rectify recycle redeploy redirect reduce refer refresh register reindex reinitialize "
        "reinstall reissue reload relocate remember remove rename renew reopen repair repeat replace report reprocess reproduce "
        "request require rerun reschedule resend reset resize resolve restart restore restrict resume resync retain retest "
        "rethink retire retrieve retry return reuse revert review revise revoke roll rotate run sanitise sanitize save scale scan "
        "schedule search secure seek select send separate set setup shrink shut sign silence simulate skip solve spread "
        "stabilize start stop store submit subscribe summarise summarize suspend sweep switch sync synchronize tag taint take "
        "talk tell terminate test throttle tighten toggle track train transfer trigger trim troubleshoot truncate try tune turn "
        "unblock uncordon understand uninstall unlock unmount unpack unset update upgrade upload use validate verify view visit "
        "wait warn watch wipe work write",
    )
)
_NUMBER = re.compile(r"^(?:\(?\d{1,2}[.):]|[a-z][.)]|step \d+[:.]?|[-*•–→✓✅☐]+)\s*", re.IGNORECASE)
_BEFORE = re.compile(
    r"^(?:(?:always|never|regularly|manually|gracefully|please|then|next|first|second|third|finally|lastly|immediately|also|optionally|carefully"
    r"|periodically|continuously|do not|don't|\(optional\)|optional:|re-?)[,:]?\s+)+",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"^(?:to|if|when|once|after|before|in case|for|from|on|in|using|with|where|should|unless|while|during)\b[^,]{2,140},\s+", re.IGNORECASE
)
_NOUNS = re.compile(
    r"^(?:audit|call|change|contact|copy|count|design|document|list|load|lock|log|look|name|note|order|page|patch|plan|post|read|record|release|report|request"
    r"|restart|return|scan|search|store|switch|tag|test|track|upload|use|view|visit|work)s?[\s-]+"
    r"(?:procedures?|management|requests?|logs?|cases?|results?|scripts?|process|rates?|windows?|levels?|codes?|balanc\w+|status|rotation|only"
    r"|coverage|frequency|strateg\w+|polic\w+|schedules?|numbers?|completion|volumes?|durations?|failures?|errors?|history)\b"
    r"|^\w+ (?:is|are|was|were|has|have|will|must|can|may|should)\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"\b(?:you|users?|operators?|administrators?|we) (?:may|might|should|must|can|could|need to|have to)\b"
    r" (?!not|see|notice|experience|be\b)",
    re.IGNORECASE,
)
_REGULAR = re.compile(r"^(?:regular|periodic|routine|scheduled)\b", re.IGNORECASE)

_OF_CADENCES = re.compile(
    r"every|each|of|the|on|first|second|third|fourth|last|\w*day|hour|week|month|quarter|year|\d+|minutes|hours"
    r"|hourly|daily|weekly|monthly|quarterly|yearly|annual(?:ly)?|nightly"
    r"|tasks?|checks?|checklist|work|jobs?|routine|maintenance|procedures?|morning|evening|and|\(\w+\)"
)


def asks_for_something(text: str) -> bool:
    """Whether it tells a person to do something: it begins with a verb in its plain form, or does so behind a clause (``If it fails,
    restart it``), or behind its own label (``Notify people: alert the teams``)."""
    plain = _BEFORE.sub("", _NUMBER.sub("", text.strip()))
    if _begins(plain):
        return True
    clause = _CLAUSE.match(plain)
    if clause and _begins(_BEFORE.sub("", plain[clause.end() :])):
        return True
    label, colon, rest = plain.partition(":")
    return bool(colon) and len(label) < 50 and bool(re.match(r"\s+[A-Z]", rest)) and _begins(rest.strip())


def advises(text: str) -> bool:
    """Whether it says what one should or could do, or asks for regular work without a verb (``Regular audits``)."""
    return asks_for_something(text) or bool(_ADVICE.search(text)) or bool(_REGULAR.match(text.strip()))


def is_question(text: str) -> bool:
    """Whether it is a question to be answered."""
    return text.rstrip().endswith("?") and len(text) < 300


def only_cadence(text: str) -> bool:
    """Whether a title or label says nothing but how often: ``Weekly``, ``Every Monday``, ``Daily tasks``."""
    words = re.sub(r"^[\d.)\W]+", "", text.lower()[:80]).split()
    return bool(words) and len(words) < 8 and all(_OF_CADENCES.fullmatch(word) for word in words)


def leads_in(text: str) -> bool:
    """Whether a sentence says when the work below it is done: ``Every Friday, perform:``, ``First Monday of each month``."""
    return (text.rstrip().endswith(":") or only_cadence(text)) and bool(cadence_in(text[:200]))


def _begins(text: str) -> bool:
    match = re.match(r"([A-Za-z]+)(?:/[a-z]+)?(?=[\s:.,;]|$)", text)
    if match is None or match[1].lower() not in _VERBS:
        return False
    rest = text[match.end() :].strip()
    return bool(rest) and not rest.startswith((":", "=")) and not _NOUNS.match(text)
