"""Check `probe`: the changed functions, called without any test runner, answer on the patched tree as they do on the base."""

from collections.abc import Mapping, Sequence

from runner.controls.calls import Call, Planned
from runner.controls.comparing import BASE_SANDBOX, Compared, Difference, Seen, at, compare, is_accident
from runner.controls.interpreter import Told
from runner.model.result import Cause, Finding, Outcome, Result, Severity
from runner.model.text import printable

CHECK = "probe"
SHOWN = 20
MOST_OF_ONE = 4
"""Differences that are shown of one function."""
LONGEST_SHOWN = 300
_TAIL = 100
UNASKED = "no sandbox was asked"


def judge(planned: Planned, seen: Sequence[Seen], paths: Mapping[str, str], unproven: Outcome = Outcome.WARN) -> Result:
    """The check's answer; `paths` are the files of modules by name.

    `hold` where a call differs; `unknown` where an answer is missing that the base gave, or where the base gave none; `unproven` where
    a changed function has no call that measures it.
    """
    calls = planned.calls
    if not calls:
        return _unprobed(planned, frozenset(), paths, unproven)
    if not seen:
        return no_answer(CHECK, UNASKED)
    compared = compare(calls, seen)
    if compared.differences:
        return _held(calls, compared, paths)
    problem = compared.troubles[0] if compared.troubles else _missing(calls, seen, compared)
    if problem:
        return no_answer(CHECK, problem)
    if compared.slow:
        return _too_slow(calls, compared, paths, unproven)
    return _unprobed(planned, compared.measured, paths, unproven)


def _too_slow(calls: Sequence[Call], compared: Compared, paths: Mapping[str, str], outcome: Outcome) -> Result:
    """Nothing differs, but the change takes so much longer each time that it was hardly asked: that is no proof."""
    numbers = sorted(compared.slow)
    findings = tuple(
        Finding(
            path=paths.get(calls[number].target[0], calls[number].target[0]),
            rule="probe.slow",
            message=f"{brief(calls[number].text)} takes so long with the change that it, or what is asked after it, could not be asked as often",
            severity=Severity.WARNING,
        )
        for number in numbers[:SHOWN]
    )
    first = brief(calls[numbers[0]].text)
    reason = f"unproven: {len(numbers)} calls take much longer than on the base, too long to be repeated as often, first {first}"
    return Result(check=CHECK, outcome=outcome, reason=reason, measured=len(compared.measured), findings=findings)


def _missing(calls: Sequence[Call], seen: Sequence[Seen], compared: Compared) -> str:
    """What keeps the calls from being a measure, as a clause."""
    if compared.lost:
        some = brief(calls[min(compared.lost)].text)
        return f"the patched tree gave no answer to {len(compared.lost)} of {len(calls)} calls, first {some}"
    return "" if compared.measured or _only_guessed(calls, seen) else _nothing(calls, seen)


def _only_guessed(calls: Sequence[Call], seen: Sequence[Seen]) -> bool:
    """Whether the base answered, but every argument was a guess of ours that it was never meant for."""
    return all(is_accident(call, at(one.base[0], number)) for one in seen for number, call in enumerate(calls))


def _nothing(calls: Sequence[Call], seen: Sequence[Seen]) -> str:
    answers = [told for one in seen for told in one.base[0].told if told.kind == "not imported"]
    why = f": {brief(f'{answers[0].type}: {answers[0].text}')}" if answers else ""
    return f"on the base, none of {len(calls)} calls gave an answer twice that could be compared{why}"


def _held(calls: Sequence[Call], compared: Compared, paths: Mapping[str, str]) -> Result:
    found = compared.differences
    first = calls[found[0].number]
    more = f", and {len(found) - 1} more calls" if len(found) > 1 else ""
    findings = tuple(_finding(calls[each.number], each, paths) for each in _few(calls, found)[:SHOWN])
    known = "; a test of the base makes this call" if first.origin == "recorded" else "; no test of the base makes this call"
    reason = f"{brief(first.text)} does not give elsewhere what it gives on the base{more}{known}"
    return Result(check=CHECK, outcome=Outcome.HOLD, reason=reason, measured=len(compared.measured), findings=findings)


def _few(calls: Sequence[Call], found: Sequence[Difference]) -> list[Difference]:
    """The first of each function, those that tests of the base make before others."""
    kept: dict[tuple[str, str], list[Difference]] = {}
    for each in sorted(found, key=lambda one: calls[one.number].origin != "recorded"):
        rows = kept.setdefault(calls[each.number].target, [])
        if len(rows) < MOST_OF_ONE:
            rows.append(each)
    return sorted((each for rows in kept.values() for each in rows), key=lambda one: one.number)


def _finding(call: Call, found: Difference, paths: Mapping[str, str]) -> Finding:
    where = f" in {found.environment}" if found.environment else ""
    message = f"{brief(call.text)}{where}: {pair(found.base, found.patched)}"
    path = paths.get(call.target[0], call.target[0])
    fix = "If this is meant, have a test ask for it, and a person approve it; else make it give the base's answer."
    return Finding(path=path, rule="probe.differs", message=message, severity=Severity.WARNING, fix=fix)


def brief(text: str) -> str:
    """A hostile text for people: of a long one the start and the end, where a digest stands."""
    return printable(text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - _TAIL]} … {text[-_TAIL:]}")


def pair(base: Told, patched: Told) -> str:
    """Both answers for people: what is the same in both is left out."""
    one, other = shown(base), shown(patched)
    if one == other:
        before, after = dict(base.state), dict(patched.state)
        fields = {"printed": (base.printed, patched.printed), "its arguments afterwards": (base.after, patched.after)}
        fields |= {f"attribute {name}": (text, after.get(name, "missing")) for name, text in before.items()}
        name, (one, other) = next(((name, both) for name, both in fields.items() if both[0] != both[1]), ("", (one, other)))
        one, other = (f"{name} {brief(text) or 'nothing'}" for text in (one, other))
    return f"on the base {one}; with the change {other}"


def shown(told: Told) -> str:
    """One answer for people."""
    text = brief(told.text)
    kind = brief(told.type)
    if told.kind == "returned":
        return f"returned {text} ({kind})"
    if told.kind == "raised":
        return f"raised {kind}: {text}"
    said = ": ".join(filter(None, (kind, text)))
    return f"{told.kind} ({said})" if said else told.kind


def _unprobed(planned: Planned, measured: frozenset[int], paths: Mapping[str, str], outcome: Outcome) -> Result:
    """The answer where nothing differs: changed functions without a call that measures them are not proven."""
    shown_by = {planned.calls[number].target for number in measured}
    unproven = [target for target, others in planned.changed.items() if not others & shown_by]
    if unproven:
        findings = tuple(
            Finding(
                path=paths.get(module, module),
                rule="probe.unproven",
                message=f"no call of {printable(name)} could be compared",
                severity=Severity.WARNING,
            )
            for module, name in unproven[:SHOWN]
        )
        count = f"{len(unproven)} of {len(planned.changed)} changed functions"
        reason = f"unproven: no call could be compared for {count}, first {printable(unproven[0][1])}"
        return Result(check=CHECK, outcome=outcome, reason=reason, measured=len(measured), findings=findings)
    if planned.differing and not measured:
        some = f"{len(planned.differing)} changed files, first {printable(planned.differing[0])}"
        reason = f"unproven: no call of the base's suite shows what was changed in {some}"
        return Result(check=CHECK, outcome=outcome, reason=reason, measured=0)
    reason = f"{len(measured)} calls give what they give on the base" if measured else "no definition of the base was changed"
    return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(measured))


def no_answer(check: str, reason: str) -> Result:
    """Nothing was proven; only the base's own sandbox, which nothing of the change can reach, counts as infrastructure."""
    cause = Cause.INFRASTRUCTURE if reason.startswith(BASE_SANDBOX) or reason == UNASKED else Cause.EVIDENCE
    return Result(check=check, outcome=Outcome.UNKNOWN, cause=cause, reason=reason)
