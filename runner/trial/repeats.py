r"""How often a suspect is run again, and how likely the answer is to be mistaken.

A suspect held on the base and failed over the patched tree. It is run again alone until it passes, k times at most, and then in the
whole suite until it passes, k times at most. It is *flaky* when it passed in both, and *broken* otherwise. Let every such run of a
flaky test fail with probability p, independently of the others. Then

- a flaky test is called broken with probability p^k + (1 - p^k) p^k = 2p^k - p^(2k), which is less than 2p^k: it either fails k times in a
  row alone, or passes there and fails k times in a row in the whole suite;
- a test that fails over the patched tree with probability q is called flaky with probability (1 - q^k)^2. For q = 1 that is 0 for every k > 0:
  **a steady failure is never called flaky**, whatever is known of the test. With q < 1 the change has made it flaky, and that holds a change
  unless the base wavers, too (`runner.trial.judge`).

Stopping at the first pass changes neither number, since one pass decides. More runs can only move a test from broken to flaky by a pass
that was really seen; a run without a result is no pass.
"""

from collections.abc import Collection, Mapping

from runner.model.flaky import Past

MOST = 20
"""How often a suspect is run again at most, alone and once more in the whole suite; also the most that a policy can ask for."""


def mistaken(rate: float, times: int) -> float:
    """The probability that a test which fails by chance, at this rate, is called broken."""
    row: float = rate**times
    return 2 * row - row * row


def needed(past: Past | None, reruns: int, error: float) -> int:
    """How often to run a suspect again: `reruns`, and more where its past asks for that; 0 stays 0.

    With a past it is the least k, from `reruns` on, for which `mistaken` at the estimated rate is not above `error`; at 20 it ends, kept or
    not. Without one nothing is known of the rate, and `reruns` bounds the error only for tests that seldom fail.
    """
    if past is None or not reruns:
        return reruns
    return next((times for times in range(reruns, MOST) if mistaken(past.rate, times) <= error), MOST)


def times(suspects: Collection[str], past: Mapping[str, Past], reruns: int, error: float) -> dict[str, int]:
    """The same for each suspect."""
    return {test: needed(past.get(test), reruns, error) for test in suspects}
