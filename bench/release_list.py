"""The releases that bench/releases.py judges; none of these projects is in the evaluation corpus."""

from typing import NamedTuple


class Release(NamedTuple):
    """One source distribution."""

    version: str
    sha256: str


class Project(NamedTuple):
    """Consecutive releases of one project, small steps preferred."""

    name: str
    source: str
    """Which files of the repository are the package's modules, as git matches paths."""
    left: tuple[str, ...]
    """Tests among them, and what packaging writes there: the release's number."""
    releases: tuple[Release, ...]


PROJECTS = (
    Project(
        "itsdangerous",
        "src/itsdangerous/*.py",
        (),
        (
            Release("2.1.0", "d848fcb8bc7d507c4546b448574e8a44fc4ea2ba84ebf8d783290d53e81992f5"),
            Release("2.1.1", "7b7d3023cd35d9cb0c1fd91392f8c95c6fa02c59bf8ad64b8849be3401b95afb"),
            Release("2.1.2", "5dbbc68b317e5e42f327f9021763545dc3fc3bfe22e6deb96aaf1fc38874156a"),
        ),
    ),
    Project(
        "humanize",
        "src/humanize/*.py",
        ("src/humanize/_version.py",),
        (
            Release("4.12.1", "1338ba97415c96556758a6e2f65977ed406dddf4620d4c6db9bbdfd07f0f1232"),
            Release("4.12.2", "ce0715740e9caacc982bb89098182cf8ded3552693a433311c6a4ce6f4e12a2c"),
            Release("4.12.3", "8430be3a615106fdfceb0b2c1b41c4c98c6b0fc5cc59663a5539b111dd325fb0"),
        ),
    ),
    Project(
        "semver",
        "src/semver/*.py",
        (),
        (
            Release("3.0.1", "9ec78c5447883c67b97f98c3b6212796708191d22e4ad30f4570f840171cbce1"),
            Release("3.0.2", "6253adb39c70f6e51afed2fa7152bcd414c411286088fb4b9effb133885ab4cc"),
            Release("3.0.4", "afc7d8c584a5ed0a11033af086e8af226a9c0b206f313e0301f8dd7b6b589602"),
        ),
    ),
    Project(
        "python-slugify",
        "slugify/*.py",
        (),
        (
            Release("9.1.0", "3f02e8a0639c61e37eca5a783aae09112796d15d331ee3d5372241b61ee05f1c"),
            Release("9.1.1", "db48547ed6d43072af59c86c3bc80bfc3c6f4e88c130c99de11775d721a574b8"),
            Release("9.1.2", "bd36ca98e5ebb1cd2b9dfa2f27b948ce87402fb083b762cbd9d0fa3aed489a92"),
            Release("9.1.3", "90e997f2e0987239ce95e12f700086eb18e1d1d3ee22624fbbdbd095afca42b6"),
        ),
    ),
    Project(
        "toolz",
        "toolz/*.py",
        ("toolz/tests", "toolz/sandbox/tests", "toolz/_version.py"),
        (
            Release("0.12.0", "88c570861c440ee3f2f6037c4654613228ff40c93a6c25e0eba70d17282c6194"),
            Release("0.12.1", "ecca342664893f177a13dac0e6b41cbd8ac25a358e5f215316d43e2100224f4d"),
            Release("1.0.0", "2c86e3d9a04798ac556793bced838816296a2f085017664e4995cb40a1047a02"),
        ),
    ),
    Project(
        "jsonpointer",
        "jsonpointer.py",
        (),
        (
            Release("3.9", "b4c52dd58837669881f9677c0e83d73fa0b369feb67563ec4a8b1c13eb3c5a23"),
            Release("3.10", "69349c0e738c93e9efa501397091f49ad302ae686293effd05d7755c06f88ef0"),
            Release("3.11", "dac052acf401e2079cd3f4495b334cdaf073d74706992a7b2b6987c9ae2cf73f"),
            Release("3.12", "7a3dcc11b64053eaa9c549e85e413f8d40a075215f793a331bed9182a14251ae"),
        ),
    ),
    Project(
        "idna",
        "idna/*.py",
        (),
        (
            Release("3.17", "5eb0cb53bc467c12eadcf6de83163ad8527cec9416f44b9b61b19caedad2b87f"),
            Release("3.18", "ffb385a7e039654cef1ab9ef32c6fafe283c0c0467bba1d9029738ce4a14a848"),
        ),
    ),
    Project(
        "deepmerge",
        "deepmerge/*.py",
        ("deepmerge/tests", "deepmerge/_version.py"),
        (
            Release("1.1.0", "4c27a0db5de285e1a7ceac7dbc1531deaa556b627dea4900c8244581ecdfea2d"),
            Release("1.1.1", "53a489dc9449636e480a784359ae2aab3191748c920649551c8e378622f0eca4"),
            Release("2.0", "5c3d86081fbebd04dd5de03626a0607b809a98fb6ccba5770b62466fe940ff20"),
        ),
    ),
    Project(
        "inflect",
        "inflect/*.py",
        (),
        (
            Release("7.3.1", "edd785148a673b0c6dfef1a7d80cc1bcb2dd6d041cdb313b60032e464fd4e808"),
            Release("7.4.0", "904baa17cc2cb74827a6c27b95692e95670dadc72b208b3e8c1c05aeed47026b"),
            Release("7.5.0", "faf19801c3742ed5a05a8ce388e0d8fe1a07f8d095c82201eb904f5d27ad571f"),
        ),
    ),
    Project(
        "isodate",
        "src/isodate/*.py",
        ("src/isodate/tests",),
        (
            Release("0.6.0", "2e364a3d5759479cdb2d37cce6b9376ea504db2ff90252a2e5b7cc89cc9ff2d8"),
            Release("0.6.1", "48c5881de7e8b0a0d648cb024c8062dc84e7b840ed81e864c7614fd3c127bde9"),
        ),
    ),
)
