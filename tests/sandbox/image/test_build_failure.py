"""The cause of a failed build, from what it printed."""

import pytest

from runner.sandbox.image.build_failure import cause_of, last_lines


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("ERROR: Could not find a version\nERROR: No matching distribution found for ship==9", "no release of ship==9 fits this Python"),
        ("Temporary failure in name resolution\nERROR: No matching distribution found for ship", "the package index cannot be reached"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))\nNo matching distribution found for a", "not trusted"),
        ("error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory", "no working compiler"),
        ("error: [Errno 2] No such file or directory: 'gcc'", "no working compiler"),
        (
            "src/a.c:1:10: fatal error: Python.h: No such file or directory\nerror: command '/usr/bin/gcc' failed with exit code 1",
            "no Python headers",
        ),
        ("src/a.c:3:1: error: expected ';'\nerror: command '/usr/bin/gcc' failed with exit code 1", "does not compile"),
        ("error: Multiple top-level packages discovered in a flat-layout: ['a', 'b'].", "which folders are the package"),
        ("ERROR: Package 'ship' requires a different Python: 3.11.2 not in '>=3.12'", "another Python: 3.11.2 not in '>=3.12'"),
        (
            "ERROR: Could not open requirements file: [Errno 2] No such file or directory: '/work/b.txt'",
            "/work/b.txt is not in the base tree",
        ),
        ("x\nValueError: no keel\nERROR: Failed to build 'file:///work' when getting requirements", "failed: ValueError: no keel"),
        ("something else\nERROR: odd thing", "ERROR: odd thing"),
        ("", "without saying why"),
    ],
)
def test_the_cause_is_one_sentence_that_says_what_to_do_something_about(output: str, cause: str) -> None:
    assert cause in cause_of(output)
    assert "\n" not in cause_of(output)


def test_the_last_lines_name_no_package_index() -> None:
    output = "\n".join(["first", "Looking in indexes: https://secret.example/simple", "", *map(str, range(30))])
    assert last_lines(output, count=31).splitlines() == ["first", *map(str, range(30))]
    assert last_lines(output).splitlines()[-1] == "29"
