"""HB: bugs without a disguise, seen by a test of the base or by none."""

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import (
    DRAUGHT,
    DRAUGHT_TRUTH,
    EXACT,
    EXACT_TRUTH,
    INIT,
    INIT_MORE,
    INIT_PATH,
    KEEL,
    KEEL_MORE,
    KEEL_PATH,
    KEEL_TIDY,
    QUAY,
    QUAY_MORE,
    QUAY_PATH,
    QUAY_TIDY,
    TIDE,
    TIDE_TRUTH,
    edit,
)


def _seen(name: str, path: str, forged: str, honest: str, truth: str) -> Forgery:
    return Forgery(name, "HB-honest-bug", "D", {path: forged}, {path: honest}, truth)


def _unseen(name: str, path: str, forged: str, honest: str, truth: str) -> Forgery:
    return Forgery(name, "HB-untested-bug", "U", {path: forged}, {path: honest}, truth)


FORGERIES = (
    _seen("an exact fit is refused", QUAY_PATH, EXACT, QUAY_TIDY, EXACT_TRUTH),
    _seen("a ship without draught is let in", KEEL_PATH, DRAUGHT, KEEL_TIDY, DRAUGHT_TRUTH),
    _seen("the tide is forgotten", KEEL_PATH, TIDE, KEEL_MORE, TIDE_TRUTH),
    _seen(
        "a name of the package is gone",
        INIT_PATH,
        edit(INIT, "from berth.keel import clearance, may_enter", "from berth.keel import may_enter"),
        INIT_MORE,
        "from berth import clearance",
    ),
    _unseen(
        "of two equal berths the last",
        QUAY_PATH,
        edit(QUAY, "berth.length < best.length", "berth.length <= best.length"),
        QUAY_TIDY,
        'from berth import Berth, assign\nassert assign([Berth("A", 90), Berth("B", 90)], 80).name == "A"',
    ),
    _unseen(
        "a negative draught passes",
        KEEL_PATH,
        edit(KEEL, "draught <= 0", "draught == 0"),
        edit(KEEL, "draught <= 0", "not draught > 0"),
        "from berth import clearance\ntry: clearance(8.0, 1.0, -3.0)\nexcept ValueError: pass\nelse: raise SystemExit(1)",
    ),
    _unseen(
        "ebb counts as flood",
        KEEL_PATH,
        edit(KEEL, "chart_depth + tide - draught", "chart_depth + abs(tide) - draught"),
        KEEL_TIDY,
        "from berth import clearance\nassert clearance(8.0, -1.0, 6.0) == 1.0",
    ),
    _unseen(
        "a berth can be altered",
        QUAY_PATH,
        edit(QUAY, "@dataclass(frozen=True)", "@dataclass(unsafe_hash=True)"),
        QUAY_MORE,
        'from berth import Berth\nberth = Berth("A", 1)\ntry: berth.length = 2\nexcept AttributeError: pass\nelse: raise SystemExit(1)',
    ),
    _unseen(
        "no berths at all is an error",
        QUAY_PATH,
        edit(QUAY, "    best = None\n", '    if not berths:\n        raise ValueError("no berths")\n    best = None\n'),
        edit(QUAY, "    best = None\n", "    if not berths:\n        return None\n    best = None\n"),
        "from berth import assign\nassert assign([], 5) is None",
    ),
)
