"""What test files use."""

import pytest

from runner.discovery.libraries import needed_by_settings, used_libraries


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("import hypothesis\nfrom yaml import load\nimport os, json\n", {"hypothesis", "PyYAML"}),
        ("try:\n    import numpy\nexcept ImportError:\n    pass\n", set()),
        ("def test_a():\n    import numpy\n", set()),
        ("from . import helpers\nimport berth\nimport util\n", set()),
        ("import berth_extra\n", {"berth_extra"}),
        ('"""\nimport mock\n"""\nimport pytest\n', set()),
        ("def test_a(mocker, tmp_path): pass\n", {"pytest-mock"}),
        ("import pytest\n@pytest.fixture\ndef mocker(): pass\ndef test_a(mocker): pass\n", set()),
        ("import pytest\n@pytest.mark.asyncio\nasync def test_a(): pass\n", {"pytest-asyncio"}),
        ("benchmark = 1\n", set()),
        ("import mock\n" + "#" * 200_000, {"mock"}),
    ],
)
def test_imports_fixtures_and_markers_belong_to_distributions(content, expected):
    assert set(used_libraries({"tests/test_a.py": content.encode()}, {"berth", "util"})) == expected


def test_a_fixture_that_a_conftest_defines_is_the_projects_own():
    contents = {"tests/test_a.py": b"def test_a(benchmark): pass\n", "tests/conftest.py": b"def benchmark(): pass\n"}
    assert used_libraries(contents, ()) == {}


def test_settings_and_options_belong_to_plugins():
    found = needed_by_settings({"asyncio_mode": "auto", "testpaths": "tests"}, ["--timeout=3", "-ra"])
    assert found == {"pytest-asyncio": "asyncio_mode", "pytest-timeout": "addopts, --timeout"}
