"""The cause of a failed build, from what it printed."""

import pytest

from runner.sandbox.image.build_failure import cause_of, last_lines
from runner.sandbox.image.made import failure


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
            "the header Python.h is missing; add apt: [gcc, libc6-dev, python3-dev] to sandbox.build",
        ),
        ("src/a.c:3:1: error: expected ';'\nerror: command '/usr/bin/gcc' failed with exit code 1", "does not compile"),
        ("error: Multiple top-level packages discovered in a flat-layout: ['a', 'b'].", "which folders are the package"),
        (
            "ERROR: Package 'ship' requires a different Python: 3.11.2 not in '>=3.12'",
            'wants Python >=3.12; this one is 3.11.2; ask for python: "3.12" or newer in sandbox.build',
        ),
        (
            (
                "ERROR: Ignored the following versions that require a different python version: 9 Requires-Python >=3.13\n"
                "ERROR: No matching distribution found for ship==9"
            ),
            'wants Python >=3.13; ask for python: "3.13" or newer',
        ),
        ("seatrial: there is no package gccc in Debian; the nearest: gcc", "there is no package gccc in Debian; the nearest: gcc"),
        ("a.c:1:10: fatal error: 'libpq-fe.h' file not found", "add apt: [gcc, libc6-dev, libpq-dev]"),
        ("a.c:1:10: fatal error: keel.h: No such file or directory", "add the Debian package that has it to sandbox.build.apt"),
        (
            "Error: pg_config executable not found.",
            "the build needs pg_config, which the base image does not have; add apt: [gcc, libc6-dev, libpq-dev]",
        ),
        ("error: [Errno 2] No such file or directory: 'git'", "add apt: [git]"),
        ("ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?", "add apt: [git]"),
        ("WARNING: ship 1.0 does not provide the extra 'sails'\nERROR: No matching distribution found for x", "there is no extra sails"),
        ("ERROR: [dependency-groups] Dependency group 'deck' not found", "a dependency group includes deck"),
        ("ERROR: Cyclic dependency group include while resolving a: a -> b, b -> a", "in a circle: a -> b, b -> a"),
        (
            "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: x",
            "contradict one another: a==1 and b==2",
        ),
        ("WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.')'", "the proxy of this machine's settings"),
        ("npm ERR! code E404\nnpm ERR! 404 Not Found - GET https://x/keel - Not found", "does not offer https://x/keel"),
        (
            'Step 1/2 : FROM yard/base:1\nGet "https://x/v2/": dial tcp: no such host',
            "begins with yard/base:1, which is not on this engine",
        ),
        ("COPY failed: file not found in build context: stat gone", "COPY failed: file not found"),
        ("Dockerfile: dockerfile parse error line 1: unknown instruction: FORM", "parse error line 1: unknown instruction: FORM"),
        ("The command '/bin/sh -c exit 3' returned a non-zero code: 3", "/bin/sh -c exit 3 of the Dockerfile failed with exit status 3"),
        (
            "ERROR: Could not open requirements file: [Errno 2] No such file or directory: '/work/b.txt'",
            "/work/b.txt is not in the base tree",
        ),
        ("x\nValueError: no keel\nERROR: Failed to build 'file:///work' when getting requirements", "failed: ValueError: no keel"),
        ("go: example.org/a@v1: Get x: dial tcp: lookup proxy on 10.0.0.1: no such host", "or commit vendor/ to the base (go mod vendor)"),
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


def test_a_cause_that_is_the_whole_output_is_said_once():
    told = str(failure("seatrial: there is no package tre in Debian\n"))
    assert told == "building the image failed: there is no package tre in Debian"
