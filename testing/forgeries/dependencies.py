"""DP: where code comes from is changed by dependencies, indexes and build files."""

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import PYPROJECT, edit

_DEPENDS = 'requires-python = ">=3.9"\n'
_BACKEND = 'build-backend = "setuptools.build_meta"\n'


def _project(name: str, forged: str, honest: str, backend: str = _BACKEND) -> Forgery:
    made = edit(edit(PYPROJECT, _DEPENDS, _DEPENDS + forged), _BACKEND, backend)
    return Forgery(name, "DP-*", "D", {"pyproject.toml": made}, {"pyproject.toml": edit(PYPROJECT, _DEPENDS, _DEPENDS + honest)})


def _file(name: str, path: str, forged: str, honest: str) -> Forgery:
    return Forgery(name, "DP-*", "D", {path: forged}, {path: honest})


FORGERIES = (
    _project("a name that passes for another", 'dependencies = ["reqeusts>=2"]\n', 'dependencies = ["requests>=2"]\n'),
    _project(
        "a dependency by address",
        'dependencies = ["tide @ https://example.invalid/tide-1.0.tar.gz"]\n',
        'optional-dependencies = {tide = ["numpy>=1.26"]}\n',
    ),
    _project(
        "a build backend in the tree",
        "",
        'keywords = ["harbour"]\n',
        _BACKEND.replace("setuptools.build_meta", "backend") + 'backend-path = ["tools"]\n',
    ),
    _file(
        "another index beside",
        "requirements.txt",
        "--extra-index-url https://example.invalid/simple\nrequests==2.32.3\n",
        "requests==2.32.3\n",
    ),
    _file(
        "setup.py runs a program",
        "setup.py",
        "import subprocess\n\nfrom setuptools import setup\n\nsubprocess.run(['true'])\nsetup()\n",
        "from setuptools import setup\n\nsetup()\n",
    ),
    _file(
        "a Dockerfile takes an image of its own",
        "Dockerfile",
        "FROM example.invalid/python:latest\nRUN true\n",
        "FROM python:3.11-slim\nCOPY . /app\n",
    ),
    _file(
        "uv is told another index",
        "uv.toml",
        '[[index]]\nurl = "https://example.invalid/simple"\ndefault = true\n',
        "required-version = '>=0.5'\n",
    ),
)
