"""Debian packages that are shown to be needed."""

import pytest

from runner.discovery.system_packages import system_packages


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"setup.py": "setup(ext_modules=[Extension('a', ['a.c'])])"}, {"gcc", "g++", "libc6-dev", "python3-dev"}),
        ({"setup.py": "setup(ext_modules=[])"}, set()),
        ({"pyproject.toml": '[build-system]\nrequires = ["meson-python"]\n'}, {"gcc", "g++", "libc6-dev", "python3-dev"}),
        ({"tests/test_a.py": "locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')"}, {"locales-all"}),
        ({"tests/test_a.py": "locale.setlocale(locale.LC_ALL, 'C')"}, set()),
        ({"tests/test_a.py": "subprocess.run(['git', 'init'])"}, {"git"}),
        ({"tests/test_a.py": "x = 'git'"}, set()),
    ],
)
def test_the_need_shows_in_build_files_and_in_tests(base, files, expected):
    contents = {name: text.encode() for name, text in files.items() if name.startswith("tests/")}
    assert {package for package, _ in system_packages(base(files), contents)} == expected
