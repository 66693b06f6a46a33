"""The section `sandbox` of the policy: the image a suite runs in, its environment and its limits."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from runner.model.sandbox import Limits
from runner.model.value import Value

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,254}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PYTHON = re.compile(r"3\.(?:[6-9]|[1-9][0-9])")
_DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{0,126}[a-z0-9+.]")
_EXTRA = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_KEPT = ("PYTHONSTARTUP", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")
_KEPT_PREFIXES = ("LD_", "SEATRIAL_")


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ValueError(f"'{text}' is not a Docker reference; write it like python:3.12-slim or name@sha256:…")
    return text


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"'{name}' is not the name of an environment variable")
    if name in _KEPT or name.startswith(_KEPT_PREFIXES):
        raise ValueError(
            f"{name} is kept by seatrial, since it changes how the suite itself is started; use tests.args or the project's files"
        )
    return name


def _content(text: str) -> str:
    if "\0" in text:
        raise ValueError("a variable cannot hold a NUL character")
    return text


def _base_file(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or not path.isprintable():
        raise ValueError(f"'{path}' is not a file of the repository; write it like requirements/tests.txt")
    return path


def _extra(name: str) -> str:
    if not _EXTRA.fullmatch(name):
        raise ValueError(f"'{name}' is not the name of an extra; write it like test")
    return name


def _group(name: str) -> str:
    if not _EXTRA.fullmatch(name):
        raise ValueError(f"'{name}' is not the name of a dependency group; write it like test")
    return name


def _debian_package(name: str) -> str:
    if not _DEBIAN_PACKAGE.fullmatch(name):
        raise ValueError(f"'{name}' is not the name of a Debian package; write it like libxml2-dev (no versions, no options)")
    return name


def _python_version(text: str) -> str:
    if not _PYTHON.fullmatch(text):
        raise ValueError(f"'{text}' is not a version of Python; write it like \"3.13\"")
    return text


def _requirement(text: str) -> str:
    if not text.strip() or text.lstrip().startswith("-") or not text.isprintable():
        raise ValueError(f"'{text}' is not a requirement; write it like pytest>=8 (options of pip cannot be given here)")
    return text


_PYTHONS = ("auto", "python")
_ONLY = {
    "base": (*_PYTHONS, "node", "go"),
    "apt": (*_PYTHONS, "node", "go"),
    **dict.fromkeys(("python", "project", "extras", "groups", "requirements", "packages"), _PYTHONS),
}
"""Which recipes read a key; the others read it never, and then it must not be given."""


Reference = Annotated[str, AfterValidator(_reference)]


class Build(Value):
    """A recipe for an image; everything it reads comes from the base tree, never from the change."""

    recipe: Literal["auto", "python", "node", "go", "dockerfile"] = "auto"
    """`auto` (settled from the base's files), `python` (a virtual environment with the project and what its tests need), `node`,
    `go`, or `dockerfile` (the repository's own)."""
    base: Annotated[str, AfterValidator(_reference)] = "auto"
    """The image to build upon: `auto` (a registry where one answers, else Debian packages), `debian`, or a Docker reference."""
    python: Annotated[str, AfterValidator(_python_version)] | None = None
    """The Python of the base image, e.g. `"3.13"`, where this machine can provide it; left out: the one that is at hand."""
    apt: tuple[Annotated[str, AfterValidator(_debian_package)], ...] = ()
    """Debian packages to install first, e.g. `[gcc, libxml2-dev]`."""
    project: bool = True
    """Install the project itself, editable, at the path of the working copy."""
    extras: tuple[Annotated[str, AfterValidator(_extra)], ...] = ()
    """Extras of the project to install, e.g. `[test]`."""
    groups: tuple[Annotated[str, AfterValidator(_group)], ...] = ()
    """Dependency groups of the base's pyproject.toml to install, e.g. `[test]`."""
    requirements: tuple[Annotated[str, AfterValidator(_base_file)], ...] = ()
    """Requirement files of the base tree, e.g. `[requirements/tests.txt]`."""
    packages: tuple[Annotated[str, AfterValidator(_requirement)], ...] = ()
    """Further packages, as pip writes requirements, e.g. `["pytest>=8"]`."""
    dockerfile: Annotated[str, AfterValidator(_base_file)] | None = None
    """A Dockerfile of the base tree; only with `recipe: dockerfile`, and needed there."""

    @model_validator(mode="after")
    def _belong_together(self) -> "Build":
        if self.recipe == "dockerfile" and self.dockerfile is None:
            raise _problem("recipe", "`recipe: dockerfile` needs the file, e.g. dockerfile: docker/test.Dockerfile")
        if self.recipe != "dockerfile" and self.dockerfile is not None:
            raise _problem("dockerfile", "dockerfile is only read with `recipe: dockerfile`")
        for name in sorted(self.model_fields_set & _ONLY.keys()):
            if self.recipe not in _ONLY[name] and getattr(self, name) != type(self).model_fields[name].default:
                raise _problem(name, f"{name} is not read with `recipe: {self.recipe}`")
        return self

    @property
    def is_for_python(self) -> bool:
        """Whether it says something that only a Python image could follow."""
        fields = type(self).model_fields
        return any(getattr(self, name) != fields[name].default for name, recipes in _ONLY.items() if recipes == _PYTHONS)


class Sandbox(Value):
    """The image a suite runs in, its environment and its limits."""

    image: Reference | None = None
    """A Docker reference of an image that holds all that the suite needs; stands in place of `build`."""
    build: Build | None = None
    """A recipe to make the image by; this is what happens when neither `image` nor `build` is given."""
    env: dict[Annotated[str, AfterValidator(_variable)], Annotated[str, AfterValidator(_content)]] = {}
    """Environment variables for the suite; it gets no others from this machine. No secrets: the change can read them."""
    runtime: Annotated[str, AfterValidator(_reference)] | None = None
    """The OCI runtime by the name the engine knows it by, e.g. `runsc`; left out: the engine's own default."""
    limits: Limits = Limits()
    """What one suite run may use."""

    @model_validator(mode="before")
    @classmethod
    def _something_to_start(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("image") is None and given.get("build") is None:
            return {**given, "build": Build()}
        return given

    @model_validator(mode="after")
    def _one_image(self) -> "Sandbox":
        if self.image is not None and self.build is not None:
            raise _problem("image", "image and build are both given; keep one: an image to use as it is, or a recipe to build one by")
        return self


def _problem(key: str, what: str) -> PydanticCustomError:
    """A fault of the section that one of its keys is to be blamed for."""
    return PydanticCustomError("section", "{what}", {"what": what, "key": key})
