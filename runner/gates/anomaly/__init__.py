"""Gate `anomaly`: how strange a change is beside its repository's history, and whether it makes tests weaker."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from runner.gates.anomaly import exact, risk
from runner.gates.anomaly import options as keys
from runner.gates.anomaly.measured import Facts, facts
from runner.gates.anomaly.term import Term
from runner.model.action import MOST_FINDINGS, OUTCOMES, RANKS, Action, found
from runner.model.result import Outcome, Result
from runner.model.run import Run
from runner.model.text import cut
from runner.model.units import show_duration
from runner.ports import Gate, Moment, Ports

NAME = "anomaly"
_DAY = 86400.0
_TOLD = 3
"""Terms that the reason names; the findings have all that have a place."""
_WORTH_A_WORD = 2.0
"""Points below which a term is not worth a word in the reason."""
_MOST_REASON = 600


class Anomaly(Gate):
    """How unusual a change is, beside the history of its repository, and whether it makes tests weaker."""

    name = NAME
    Options = keys.Options
    default = keys.Options()

    def faults(self, options: keys.Options) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """What is wrong with options that are right key by key."""
        return keys.faults(options)

    def measure(self, run: Run, ports: Ports, options: keys.Options) -> Facts:
        """What the change does to tests, and how it looks beside the history; a child process only where files of tests changed."""
        change = run.change
        terms = tuple(exact.terms(change, ports.trees))
        past = ports.history.past(change.base_commit, [file.name for file in change.files], options.advanced.commits)
        return facts(change, past, terms, options)

    def judge(self, run: Run, facts: Facts, moment: Moment, options: keys.Options) -> Result:
        """The gravest of what the exact rules and the level of the score ask for."""
        advanced = options.advanced
        terms = [*facts.terms, *risk.caps(facts, options), *_frequency(run, facts, moment, options)]
        parts = risk.parts(facts, terms, options)
        points = risk.score(parts)
        level = risk.level(points, advanced.levels)
        asked: list[tuple[Action, str]] = [(getattr(advanced.actions, term.rule), f"advanced.actions.{term.rule}") for term in terms]
        if level != "low":
            asked.append((getattr(advanced.risk, level), f"advanced.risk.{level}"))
        action, key = max(asked, key=lambda one: RANKS.index(one[0]), default=("allow", ""))
        return Result(
            check=NAME,
            outcome=OUTCOMES.get(action, Outcome.PASS),
            reason=_reason(level, points, parts, key, facts),
            measured=points,
            limit=getattr(advanced.levels, "medium" if level == "low" else level),
            policy=f"preflight.{NAME}.{key}" if action != "allow" else f"preflight.{NAME}",
            findings=tuple(
                found(
                    getattr(advanced.actions, term.rule), term.path, f"{NAME}.{term.rule.replace('_', '-')}", term.message, line=term.line
                ).finding
                for term in terms
                if term.path and getattr(advanced.actions, term.rule) != "allow"
            )[:MOST_FINDINGS],
        )

    def charge(self, run: Run, facts: Facts, moment: Moment, options: keys.Options) -> None:
        """Count an admitted change for its author and for the folders that it touches."""
        body = {"author": _digest(run.author.name), "folders": [_digest(folder) for folder in facts.folders]}
        moment.append(NAME, _log(run), "change", run=run.id, body=body)
        moment.forget(NAME, _log(run), moment.now - max(options.advanced.frequency.per, _DAY))


def _reason(level: str, points: int, parts: list[risk.Part], key: str, facts: Facts) -> str:
    """Level, score, and the largest terms in words; what decided comes first."""
    rule = key.rpartition(".")[2]
    told = [part for part in parts if part.rule == rule and "actions" in key]
    told += [part for part in parts if part not in told and (part.rule or part.points >= _WORTH_A_WORD)]
    beside = f"beside {facts.commits} commits" if facts.usual else "while the history is short"
    if not told:
        return f"{level} risk ({points} of 100) {beside}: nothing unusual"
    words = "; ".join(cut(part.words, 200) for part in told[:_TOLD])
    return cut(f"{level} risk ({points} of 100) {beside}: {words}", _MOST_REASON)


def _frequency(run: Run, facts: Facts, moment: Moment, options: keys.Options) -> Iterator[Term]:
    """More admitted changes than usual in a while: by whom the caller vouched for, all others together, or below one top folder."""
    usual = options.advanced.frequency
    recent = [entry for entry in moment.entries(NAME, _log(run), since=moment.now - usual.per, kind="change") if entry.run != run.id]
    if len(recent) < usual.burst:
        return
    within = f"within {show_duration(usual.per)}; {usual.burst} are usual"
    by = sum(_author(entry.body) == _digest(run.author.name) for entry in recent) + 1
    if by > usual.burst:
        yield Term("frequency", "", f"{by} changes by {run.author.name or 'authors that nobody vouched for'} {within}")
    for folder in facts.folders:
        below = sum(_digest(folder) in entry.body.get("folders", ()) for entry in recent) + 1
        if below > usual.burst:
            yield Term("frequency", "", f"{below} changes below {folder if folder != '.' else 'the root'} {within}")
            return


def _author(body: Any) -> str:
    return str(body.get("author", ""))


def _log(run: Run) -> str:
    return run.target or run.repository


def _digest(name: str) -> str:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


gate = Anomaly()
