"""The probe `http`: what a web service answers, how quickly, and which tree it says it is."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from runner.model.text import cut, printable
from runner.model.units import Duration, show_duration
from runner.probes import expect
from runner.probes.addresses import Url
from runner.probes.connect import Unresolved, unreachable
from runner.probes.expect import Expected, Limit
from runner.probes.probe import Common, Context, Fault, Probe
from runner.probes.reading import Reading, Sign, failed, no_data, passed

if TYPE_CHECKING:
    import ssl

    from runner.probes.fetch import Answer

_CODES: Final = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_HEADER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_SHOWN: Final = 60


def _codes(text: str) -> str:
    found = _CODES.fullmatch(text)
    if found is None or (found[2] and found[2] < found[1]):
        raise ValueError(f"'{text}' is neither a status nor a range of them; write it like 204 or 200-299")
    return text


def _source(text: str) -> str:
    if text.startswith("$"):
        expect.place(text)
    elif not _HEADER.fullmatch(text):
        raise ValueError(f"'{text}' is neither a path into a JSON answer nor a header; write it like $.tree or X-Tree")
    return text


Codes = Annotated[str, AfterValidator(_codes), WithJsonSchema({"type": "string", "pattern": f"^{_CODES.pattern}$"})]
Source = Annotated[str, AfterValidator(_source), WithJsonSchema({"type": "string", "examples": ["$.tree", "X-Tree"]})]


class HttpOptions(Common):
    """Keys of a probe of a web service."""

    http: Url
    """The address to GET, e.g. http://127.0.0.1:8000/health; redirects are not followed, and no proxy is used."""
    status: Annotated[tuple[Codes, ...], Field(min_length=1)] = ("200-299",)
    """The statuses that are well, e.g. [200-299, 304]; any other is a failure."""
    latency: Annotated[Duration, Field(gt=0)] | None = None
    """What a whole answer may take; a slower one is a failure."""
    expect: Expected | None = None
    """What the answer, JSON, must say: a comparison such as `$.status == "ok"`, or a path to the number of fail_if and pass_if."""
    fail_if: Limit | None = None
    """When the number at `expect` is a failure, e.g. ">5%"."""
    pass_if: Limit | None = None
    """When it passes, e.g. "<2%"; what lies between the two is no data. One given alone decides both ways."""
    tree: Source | None = None
    """Where the answer says which tree runs, `$.tree` or the name of a header: only answers of the tree promoted count."""
    tree_within: Duration = 10.0
    """How long after the promotion another tree may still answer: until then that is no data, afterwards a failure."""


class HttpProbe(Probe):
    """GETs one address.

    An answer of another tree than the one promoted says nothing of the new code: no data while the service may still be starting. Once
    `tree_within` is over it is a failure, not no data: that what was promoted does not run is known to be wrong, and waiting for the
    deadline would only leave it so for longer. An answer that names no tree at all never tells which code it was: no data, always.
    """

    kind = "http"
    Options = HttpOptions
    timed = True

    def __init__(self, name: str, options: HttpOptions) -> None:
        super().__init__(name, options)
        self._trust: ssl.SSLContext | None = None

    @classmethod
    def subject(cls, options: HttpOptions) -> str:
        """The address without its scheme, and what is expected there."""
        address = options.http.partition("://")[2].rstrip("/")
        return f"{address} {options.expect.partition(' ')[0]}" if options.expect else address

    @classmethod
    def faults(cls, options: HttpOptions) -> Iterator[Fault]:
        """Thresholds without a number, a path without thresholds, thresholds that overlap, times that cannot be."""
        if options.latency is not None and options.latency >= options.timeout:
            what = (
                f"{show_duration(options.latency)} is not less than timeout {show_duration(options.timeout)}: no answer would come so late"
            )
            yield ("latency",), what
        yield from _thresholds(options)

    def measure(self, context: Context) -> Reading:
        """Asks once, and judges the answer."""
        from http.client import HTTPException
        from ssl import SSLError

        from runner.probes import fetch

        started = context.monotonic()
        if self._trust is None and self.options.http.startswith("https:"):
            self._trust = fetch.trusted()
        try:
            answer = fetch.fetch(
                self.options.http, lambda: self.options.timeout - (context.monotonic() - started), context.monotonic, self._trust
            )
        except fetch.TooLarge:
            return no_data(f"more than {fetch.MOST_HEAD} bytes of headers")
        except (HTTPException, ValueError) as problem:
            return failed(f"the answer is no HTTP: {type(problem).__name__} {cut(str(problem), _SHOWN)}")
        except SSLError as problem:  # an OSError whose numbers are others than the system's
            return failed(f"no secure connection: {cut(str(problem), 2 * _SHOWN)}")
        except (OSError, Unresolved) as problem:
            return unreachable(problem)
        return judged(answer, context, self.options)


probe = HttpProbe


def judged(answer: "Answer", context: Context, options: HttpOptions) -> Reading:
    """What an answer says: of another tree first, since nothing else that it says is of the new code."""
    told = _tree(answer, options) if options.tree and context.tree else context.tree
    if told and told != context.tree:
        reason = f"tree {printable(cut(told, _SHOWN))} answers, not {context.tree}, which was promoted"
        late = context.elapsed > options.tree_within
        return (
            failed(reason, seconds=answer.seconds) if late else no_data(f"{reason}; it may do so for {show_duration(options.tree_within)}")
        )
    status = _status(answer, options)
    if status.outcome is Sign.FAIL:
        return status
    if not told and context.tree:
        return no_data(f"{status.reason}, and does not say at {options.tree} which tree it is")
    if options.latency is not None and answer.seconds > options.latency:
        reason = f"took {answer.seconds * 1000:.0f}ms; the policy allows {show_duration(options.latency)}"
        return failed(reason, seconds=answer.seconds, measured=round(answer.seconds, 4), limit=options.latency)
    return _said(answer, options, status) if options.expect else status


def _status(answer: "Answer", options: HttpOptions) -> Reading:
    ranges = [(low, high or low) for low, high in (_CODES.fullmatch(codes).groups() for codes in options.status)]  # type: ignore[union-attr]
    if any(int(low) <= answer.status <= int(high) for low, high in ranges):
        return passed(f"status {answer.status} in {answer.seconds * 1000:.1f}ms", seconds=answer.seconds)
    led = " (redirects are not followed)" if "location" in answer.headers else ""
    wanted = ", ".join(options.status)
    reason = f"status {answer.status}{led}; the policy wants {wanted}"
    return failed(reason, seconds=answer.seconds, measured=answer.status, limit=wanted)


def _tree(answer: "Answer", options: HttpOptions) -> str:
    """The tree that the answer names; empty when it names none."""
    source = options.tree or ""
    if not source.startswith("$"):
        return answer.headers.get(source.lower(), "").strip().lower()
    try:
        value = expect.place(source).of(expect.parsed(answer.body))
    except expect.Absent:
        return ""
    return value.strip().lower() if isinstance(value, str) else ""


def _said(answer: "Answer", options: HttpOptions, status: Reading) -> Reading:
    """What the JSON body says."""
    wanted = expect.expectation(options.expect or "")
    if not answer.whole:
        return no_data("the answer is too large to be read", seconds=answer.seconds)
    try:
        value = wanted.place.of(expect.parsed(answer.body))
        told = f"{wanted.place.text} is {expect.shown(value)}"
        if wanted.sign:
            outcome = Sign.PASS if wanted.met(value) else Sign.FAIL
        else:
            value = expect.number(value, wanted.place.text)
            outcome = _beyond(value, options)
    except expect.Absent as problem:
        return no_data(f"status {answer.status}, but {problem}", seconds=answer.seconds)
    limits = _limits(options)
    reason = {Sign.PASS: f"{status.reason}, {told}", Sign.FAIL: f"{told}; the policy wants {limits}"}
    gap = f"{told}, which neither fails nor passes: the policy says {limits}"
    measured = value if isinstance(value, float) else expect.shown(value)
    return Reading(outcome=outcome, reason=reason.get(outcome, gap), seconds=answer.seconds, measured=measured, limit=limits)


def _beyond(value: float, options: HttpOptions) -> Sign:
    fails, passes = (expect.bound(text) if text else None for text in (options.fail_if, options.pass_if))
    if fails is not None and fails.met(value):
        return Sign.FAIL
    if passes is None or passes.met(value):
        return Sign.PASS
    return Sign.NO_DATA if fails is not None else Sign.FAIL


def _limits(options: HttpOptions) -> str:
    given = (("fail_if", options.fail_if), ("pass_if", options.pass_if))
    return ", ".join(f"{name} {text}" for name, text in given if text) or printable(options.expect or "")


def _thresholds(options: HttpOptions) -> Iterator[Fault]:
    wanted = expect.expectation(options.expect) if options.expect else None
    for name in ("fail_if", "pass_if"):
        if getattr(options, name) and (wanted is None or wanted.sign):
            yield (name,), f"{name} looks at the number at `expect`; give a path there, e.g. expect: $.error_ratio"
    if wanted is not None and not wanted.sign and not (options.fail_if or options.pass_if):
        yield ("expect",), f'a path alone expects nothing; write {options.expect} == "ok", or give fail_if and pass_if'
    if options.fail_if and options.pass_if and _overlap(expect.bound(options.fail_if), expect.bound(options.pass_if)):
        yield ("pass_if",), f'"{options.pass_if}" and fail_if "{options.fail_if}" are true of the same numbers'


def _overlap(fails: expect.Bound, passes: expect.Bound) -> bool:
    """Whether some number meets both."""
    if fails.sign[0] == passes.sign[0]:
        return True
    low, high = (fails, passes) if fails.sign[0] == ">" else (passes, fails)
    return low.limit < high.limit or (low.limit == high.limit and low.sign == ">=" and high.sign == "<=")
