"""Check `docstrings`: examples in docstrings of the base give on the patched tree what they say, without any test runner."""

import doctest
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from runner.controls.comparing import Seen, troubles
from runner.controls.definitions import Both
from runner.controls.interpreter import SILENT, Asked, Bounds, Run, Told, ask
from runner.controls.probing import SHOWN, UNASKED, brief, no_answer, pair
from runner.model.result import Finding, Outcome, Result, Severity
from runner.model.text import printable
from runner.model.value import Value
from runner.ports import Importer

CHECK = "docstrings"
BOUNDS = Bounds(longest=2000)
_MISSED = frozenset({"NameError", "AttributeError", "ImportError"})


class Example(Value):
    """One example of a docstring of the base."""

    module: str
    name: str
    """The qualified name of what the docstring belongs to."""
    source: str
    want: str
    error: str | None
    """The last line of the traceback that is wanted, if one is."""
    flags: int
    """Option flags of `doctest` that the example sets."""
    gone: bool = False
    """Whether the patched file does not define what the docstring belongs to; a name may still lead there."""


def examples(modules: Mapping[str, Both], most: int) -> tuple[Example, ...]:
    """The examples in docstrings of modules' base files, whole docstrings up to `most` examples together.

    What follows an example that is to be skipped is left out: it may need it.
    """
    found: list[Example] = []
    for module, both in modules.items():
        for each in _docstrings(module, both):
            if len(found) + len(each) <= most:
                found += each
    return tuple(found)


def _docstrings(module: str, both: Both) -> Iterator[list[Example]]:
    if both.base is None:
        return
    for name, definition in both.base.items():
        gone = both.patched is not None and name not in both.patched
        yield list(_examples(module, name, definition.doc, gone=gone))


def _examples(module: str, name: str, doc: str, *, gone: bool) -> Iterator[Example]:
    try:
        parsed = doctest.DocTestParser().get_examples(doc) if ">>>" in doc else []
    except ValueError:  # it looks like an example and is none
        return
    for example in parsed:
        flags = sum(flag for flag, wanted in example.options.items() if wanted)
        if flags & doctest.SKIP:
            return
        yield Example(module=module, name=name, source=example.source, want=example.want, error=example.exc_msg, flags=flags, gone=gone)


def ask_examples(
    importer: Importer, found: Sequence[Example], bounds: Bounds = BOUNDS, *, seed: int = 1, together: Collection[str] = ()
) -> Asked:
    """The errands that run examples, those of one docstring in one namespace; `seed` of the order of sets.

    The modules `together` share an interpreter.
    """
    units: dict[str, list[Mapping[str, object]]] = {}
    for example in found:
        docstring = f"{example.module} {example.name}"
        home = "" if example.module in together else example.module
        units.setdefault(docstring, []).append({"module": example.module, "docstring": docstring, "source": example.source, "list": home})
    return ask(importer, list(units.values()), bounds, examples=True, seed=seed)


def holds(example: Example, told: Told) -> bool:
    """Whether an example gave what it says, as `doctest` compares it."""
    checker = doctest.OutputChecker()
    if example.error is None:
        return told.kind == "returned" and checker.check_output(example.want, told.printed, example.flags)
    if told.kind != "raised":
        return False
    got = f"{told.type}: {told.text}\n" if told.text else f"{told.type}\n"
    want = re.sub(r"\A(?:\w+\.)+(?=\w+\s*(?::|$))", "", example.error)
    if example.flags & doctest.IGNORE_EXCEPTION_DETAIL:
        return want.partition(":")[0].strip() == told.type.rpartition(".")[2]
    return checker.check_output(want, got, example.flags) or checker.check_output(want, got.rpartition("<locals>.")[2], example.flags)


def judge_docstrings(found: Sequence[Example], seen: Sequence[Seen], paths: Mapping[str, str]) -> Result:
    """The check's answer; `paths` are the files of modules by name.

    An example that does not give what it says on the base, each time and in each environment, proves nothing and is not counted.
    """
    if not found:
        return Result(check=CHECK, outcome=Outcome.PASS, reason="the base's docstrings hold no example for what was changed", measured=0)
    sound = [
        at
        for at, each in enumerate(found)
        if all(holds(each, _at(run, at)) for one in seen for run in one.base)
        and not (each.gone and all(_is_missed(_at(one.patched, at)) for one in seen))
    ]
    broken = [(at, one) for at in sound for one in seen if not holds(found[at], _at(one.patched, at))]
    told = [(at, one) for at, one in broken if _at(one.patched, at).kind != "silent"]
    if told:
        return _held(found, dict(reversed(told)), len(sound), paths)
    problem = next(troubles(seen), "") if seen else UNASKED
    if not problem and broken:
        problem = f"the patched tree gave no answer to {len({at for at, _ in broken})} of {len(found)} examples"
    if not problem and not sound:
        problem = f"on the base, none of {len(found)} examples gives what it says"
    if problem:
        return no_answer(CHECK, problem)
    idle = f"; {len(found) - len(sound)} more do not give what they say on the base" if len(sound) < len(found) else ""
    reason = f"{len(sound)} examples in docstrings of the base give what they say{idle}"
    return Result(check=CHECK, outcome=Outcome.PASS, reason=reason, measured=len(sound))


def _is_missed(told: Told) -> bool:
    """Whether an example found nothing under the name: what is taken away gives nothing else."""
    return told.kind == "raised" and told.type in _MISSED


def _held(found: Sequence[Example], broken: Mapping[int, Seen], sound: int, paths: Mapping[str, str]) -> Result:
    numbers = sorted(broken)
    findings = tuple(_finding(found[at], at, broken[at], paths) for at in numbers[:SHOWN])
    first = found[numbers[0]]
    more = f", and {len(numbers) - 1} more" if len(numbers) > 1 else ""
    reason = f"an example in the base's docstring of {printable(first.name)} no longer gives what it says{more}"
    return Result(check=CHECK, outcome=Outcome.HOLD, reason=reason, measured=sound, findings=findings)


def _finding(example: Example, at: int, one: Seen, paths: Mapping[str, str]) -> Finding:
    where = f" in {one.name}" if one.name else ""
    source = brief(example.source.strip())
    message = f"{printable(example.name)}: {source}{where}: {pair(_as_text(_at(one.base[0], at)), _as_text(_at(one.patched, at)))}"
    return Finding(path=paths.get(example.module, example.module), rule="docstrings.differs", message=message, severity=Severity.WARNING)


def _as_text(told: Told) -> Told:
    """What an example printed stands for what it returned."""
    return Told("returned", "printed", told.printed.rstrip("\n") or "nothing") if told.kind == "returned" else told


def _at(run: Run, number: int) -> Told:
    return run.told[number] if number < len(run.told) else SILENT
