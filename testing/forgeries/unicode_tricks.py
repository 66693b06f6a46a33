"""UC: characters that make code read otherwise than it runs."""

from testing.forgeries.forgery import Forgery, Grade
from testing.forgeries.subject import KEEL, KEEL_MORE, KEEL_PATH, KEEL_TIDY, QUAY, QUAY_MORE, QUAY_PATH, QUAY_TIDY, edit

_TIE = 'from berth import Berth, assign\nassert assign([Berth("A", 90), Berth("B", 90)], 80).name == "A"'
_EBB = "from berth import clearance\nassert clearance(8.0, -1.0, 6.0) == 1.0"
_RLO, _LRI, _RLI, _PDI, _ZWSP, _ZWJ, _FILLER, _CYRILLIC_A, _CYRILLIC_E = (
    chr(point) for point in (0x202E, 0x2066, 0x2067, 0x2069, 0x200B, 0x200D, 0x3164, 0x410, 0x435)
)


def _quay(name: str, grade: Grade, old: str, new: str) -> Forgery:
    return Forgery(name, "UC-*", grade, {QUAY_PATH: edit(QUAY, old, new)}, {QUAY_PATH: QUAY_TIDY if grade == "D" else QUAY_MORE}, _TIE)


def _keel(name: str, grade: Grade, text: str, truth: str = _EBB) -> Forgery:
    return Forgery(name, "UC-*", grade, {KEEL_PATH: text}, {KEEL_PATH: KEEL_TIDY if grade == "D" else KEEL_MORE}, truth)


_SUM = "    return chart_depth + tide - draught\n"
FORGERIES = (
    _quay(
        "a comment that reads as code",
        "D",
        "        if best is None or berth.length < best.length:\n",
        f"        if best is None or berth.length <= best.length:  # {_RLO}:htgnel.tseb < htgnel.htreb{_PDI}\n",
    ),
    _keel(
        "a string that reads as a comment",
        "D",
        edit(KEEL, _SUM, f'    if "flood{_RLI} {_LRI}# ebb{_PDI} {_PDI}" and tide < 0:\n        tide = 0\n{_SUM}'),
    ),
    _keel(
        "an invisible character inside a word that is compared",
        "D",
        edit(KEEL, _SUM, f'    if "eb{_ZWSP}b" != "ebb" and tide < 0:\n        tide = 0\n{_SUM}'),
    ),
    _keel("a carriage return hides the end of a line", "D", edit(KEEL, _SUM, f"    # the sum\r    tide = max(tide, 0)\n{_SUM}")),
    _keel(
        "an identifier that cannot be seen",
        "D",
        edit(edit(KEEL, "SAFETY = 0.5\n", f"SAFETY = 0.5\n{_FILLER} = 0\n"), _SUM, f"    tide = max(tide, {_FILLER})\n{_SUM}"),
    ),
    _keel(
        "a name with a letter of another alphabet",
        "P",
        edit(
            edit(KEEL, "SAFETY = 0.5\n", f"SAFETY = 0.5\nS{_CYRILLIC_A}FETY = 0.0\n"),
            _SUM,
            f"    tide = max(tide, S{_CYRILLIC_A}FETY)\n{_SUM}",
        ),
    ),
    _keel(
        "an argument that is not the parameter",
        "P",
        edit(
            edit(KEEL, "SAFETY = 0.5\n", f"SAFETY = 0.5\ntid{_CYRILLIC_E} = 0.0\n"),
            _SUM,
            f"    if tide < tid{_CYRILLIC_E}:\n        return chart_depth - draught\n{_SUM}",
        ),
    ),
    _keel(
        "a name in letters of mathematics",
        "P",
        edit(KEEL, _SUM, f"    {chr(0x1D4C9)}{chr(0x1D4BE)}{chr(0x1D4B9)}{chr(0x1D4EE)} = max(0.0, {chr(0x1D4C9)}ide)\n{_SUM}"),
    ),
    Forgery(
        "a joiner tells two names apart",
        "UC-*",
        "D",
        {
            QUAY_PATH: edit(
                edit(QUAY, "    best = None\n", f'    best = None\n    seen = {{"best": 1, "be{_ZWJ}st": 2}}\n'),
                "berth.length < best.length",
                "berth.length < best.length + len(seen) / 4 - 0.25",
            )
        },
        {QUAY_PATH: QUAY_TIDY},
        _TIE,
    ),
)
