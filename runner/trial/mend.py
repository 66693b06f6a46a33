"""What a policy can add when the base's own tests lack something here: one clause for the commonest causes."""

import re
from collections.abc import Iterable

_LONGEST = 80
_CAUSES = (
    (
        re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)"),
        "the base's own tests cannot import {0}: add what brings it under sandbox.build.packages (or an extra, a dependency group or a requirement file); a folder of this repository is found by sandbox.env: {{PYTHONPATH: /work/FOLDER}}",
    ),
    (
        re.compile(r"fixture '(\w+)' not found"),
        "the base's own tests use the fixture {0}, which no plugin here has: add the plugin under sandbox.build.packages",
    ),
    (
        re.compile(r"(?:error: )?unrecognized arguments: (--?[\w-]+)"),
        "pytest does not know the option {0}: add the plugin that has it under sandbox.build.packages",
    ),
    (re.compile(r"Missing required plugins: ([\w.-]+)"), "pytest lacks the plugin {0}: add it under sandbox.build.packages"),
    (
        re.compile(r"async def functions are not natively supported|PytestUnhandledCoroutineWarning"),
        "a plugin for async tests is missing: add one under sandbox.build.packages, such as pytest-asyncio",
    ),
    (re.compile(r"Unknown config option: (\w+)"), "pytest does not know the setting {0}: add the plugin that has it under sandbox.build.packages"),
    (re.compile(r"'(\w+)' not found in `markers` configuration option"), "the marker {0} is not known: add its plugin under sandbox.build.packages"),
    (re.compile(r"unsupported locale setting"), "the image has no locale but C.UTF-8: add locales-all under sandbox.build.apt"),
    (
        re.compile(r"(?:No such file or directory|command not found|not found on PATH)[:,]? '?(git|hg|svn|make|gcc|cc|node|curl|which|man|ps|zsh|fish|tcsh|xterm|less|vim|ssh|gpg|openssl|pandoc|java)\b'?"),
        "the tests start {0}, which the image lacks: add the Debian package under sandbox.build.apt",
    ),
    (re.compile(r"ZoneInfoNotFoundError|No time zone found with key"), "the image has no time zones: add tzdata under sandbox.build.packages"),
    (re.compile(r"lib[\w.+-]+\.so[\w.]*: cannot open shared object file"), "a shared library is missing: add its Debian package under sandbox.build.apt"),
    (
        re.compile(r"Temporary failure in name resolution|Network is unreachable|Name or service not known|nodename nor servname"),
        "the tests look up host names, and the sandbox has no network: leave them out by tests.args, e.g. --deselect or -m",
    ),
    (re.compile(r"Read-only file system"), "the tests write outside of the working copy, /tmp and HOME, which is not possible here"),
)  # fmt: skip


def mend(texts: Iterable[str]) -> str:
    """The clause for the first cause that is known in the texts of failures or of a log, hostile text; empty when none is."""
    for text in texts:
        for pattern, clause in _CAUSES:
            if found := pattern.search(text):
                return clause.format(*(group[:_LONGEST] for group in found.groups()))
    return ""


NO_TESTS = "no test was found on the base: say where they are by tests.args, or name another suite by tests.command"
