"""Debian packages that a project's build or its tests show to need."""

import re
from collections.abc import Iterator, Mapping

from runner.discovery.base_files import BaseFiles

_EXTENSIONS = re.compile(
    r"ext_modules\s*=(?!\s*\[\s*\])|ext-modules|\bExtension\(|cythonize|mypycify|cffi_modules|\bmesonpy\b|meson-python|scikit[-_]build|setuptools[-_]rust|maturin"
)
_RUST = re.compile(r"setuptools[-_]rust|maturin")
_LOCALE = re.compile(rb"""["'][a-z]{2}_[A-Z]{2}(?:\.[A-Za-z0-9-]+)?["']""")
_GIT = re.compile(rb"""[\[(]\s*["']git["']""")


def system_packages(files: BaseFiles, contents: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Packages, each with the file that shows the need: a compiler for extension modules, locales and git for tests that use them."""
    for path in ("setup.py", "pyproject.toml", "setup.cfg"):
        text = files.text(path)
        if _EXTENSIONS.search(text):
            yield from ((package, f"extension modules in {path}") for package in ("gcc", "g++", "libc6-dev", "python3-dev"))
            if _RUST.search(text):
                yield "cargo", f"extension modules in {path}"
            break
    for package, shows in (("locales-all", lambda text: b"setlocale(" in text and _LOCALE.search(text)), ("git", _GIT.search)):
        if found := next((path for path, content in contents.items() if shows(content)), None):
            yield package, f"used by {found}"
