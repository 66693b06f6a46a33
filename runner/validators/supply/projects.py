"""The dependency files that are structured: pyproject.toml, setup.cfg, setup.py, Pipfile, package.json, go.mod, and index settings."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from runner.parsing import Parse, Source
from runner.validators.supply.manifest import Dependency, Manifest, at, table, tables, texts
from runner.validators.supply.requirements import of_file, of_texts

MOST_BYTES = 256 * 1024
_REQUIREMENTS = re.compile(r"(?i)(^|/)([^/]*(requirements|constraints)[^/]*\.(txt|in)|requirements/[^/]+\.(txt|in))$")
_PARSED = {
    "pyproject.toml": "toml-data",
    "uv.toml": "toml-data",
    "pipfile": "toml-data",
    "setup.cfg": "ini-data",
    "pip.conf": "ini-data",
    "pip.ini": "ini-data",
    ".pypirc": "ini-data",
    "setup.py": "setup_script:dependencies",
}
_LINES = ("package.json", "go.mod", ".npmrc", ".yarnrc")


def is_manifest(path: str) -> bool:
    """Whether a path names a file that says what is installed, and from where."""
    name = PurePosixPath(path).name.lower()
    return name in _PARSED or name in _LINES or _REQUIREMENTS.search(path) is not None


def source(path: str, content: bytes) -> Source | None:
    """What the child must parse to read the file; `None` for a file that is read by lines."""
    kind = _PARSED.get(PurePosixPath(path).name.lower())
    return Source(kind, content) if kind and len(content) <= MOST_BYTES else None


def read(path: str, content: bytes, parsed: Parse | None) -> Manifest:
    """The file as a manifest; what cannot be understood is named in it, never an error."""
    name = PurePosixPath(path).name.lower()
    if len(content) > MOST_BYTES:
        return Manifest(unread=(f"it is larger than {MOST_BYTES // 1024}KiB",))
    if parsed is None:
        return _BY_LINES[name](content) if name in _BY_LINES else of_file(content, path)
    data = tables(parsed)
    if data is None:
        return Manifest(unread=("it could not be parsed",))
    return _BY_TABLES[name](data)


def _joined(parts: Iterable[Manifest]) -> Manifest:
    parts = tuple(parts)
    return Manifest(
        tuple(one for part in parts for one in part.dependencies),
        tuple(one for part in parts for one in part.indexes),
        next((part.licence for part in parts if part.licence), ""),
        tuple(dict.fromkeys(one for part in parts for one in part.unread)),
    )


def _pyproject(data: Mapping[str, Any]) -> Manifest:
    project, tool = table(data.get("project")), table(data.get("tool"))
    parts = [
        of_texts(texts(at(data, "build-system", "requires")), "build-system"),
        of_texts(texts(project.get("dependencies")), "dependencies"),
    ]
    parts += [of_texts(texts(given), f"extra {extra}") for extra, given in table(project.get("optional-dependencies")).items()]
    parts += [of_texts(texts(given), f"group {group}") for group, given in table(data.get("dependency-groups")).items()]
    parts += [
        of_texts(texts(at(tool, "uv", key)), f"uv {key}")
        for key in ("dev-dependencies", "constraint-dependencies", "override-dependencies")
    ]
    parts += [of_texts(texts(given), f"pdm {group}") for group, given in table(at(tool, "pdm", "dev-dependencies")).items()]
    parts += [
        of_texts(texts(at(env, key)), f"hatch {name}")
        for name, env in table(at(tool, "hatch", "envs")).items()
        for key in ("dependencies", "extra-dependencies")
    ]
    poetry = table(tool.get("poetry"))
    groups = {"poetry": poetry.get("dependencies"), "poetry dev": poetry.get("dev-dependencies")}
    groups |= {f"poetry {name}": at(group, "dependencies") for name, group in table(poetry.get("group")).items()}
    parts += [_constraints(given, group) for group, given in groups.items()]
    parts += [_sources(at(tool, "uv", "sources"), "uv"), Manifest(indexes=tuple(_indexes(tool)))]
    licence = project.get("license", poetry.get("license"))
    licence = licence if isinstance(licence, str) else at(licence, "text") or (f"file {at(licence, 'file')}" if at(licence, "file") else "")
    return _joined([*parts, Manifest(licence=_one_line(licence))])


def _indexes(tool: Mapping[str, Any]) -> Iterator[str]:
    """Every address that a tool's table names for packages."""
    for name, keys in (("uv", ("index", "index-url", "extra-index-url", "find-links")), ("poetry", ("source",)), ("pdm", ("source",))):
        for key in keys:
            given = at(tool, name, key)
            for one in given if isinstance(given, list) else [given] if given is not None else []:
                yield f"[tool.{name}.{key}] {one.get('url', one.get('name', '')) if isinstance(one, Mapping) else one}"


def _sources(given: Any, tool: str) -> Manifest:
    """`[tool.uv.sources]`: packages that come from elsewhere than an index; members of a workspace are the project's own."""
    found = []
    for name, value in table(given).items():
        for one in value if isinstance(value, list) else [value]:
            place = next((str(at(one, key)) for key in ("git", "url", "path") if at(one, key)), "")
            place = place or (f"index {at(one, 'index')}" if at(one, "index") else "")
            if place:
                found.append(Dependency("python", _name(name), "", f"{tool} sources", place))
    return Manifest(tuple(found))


def _constraints(given: Any, group: str) -> Manifest:
    """Poetry's and Pipenv's tables: name to version, or to a table that may name another source."""
    found = []
    for name, value in table(given).items():
        if name.lower() == "python":
            continue
        for one in value if isinstance(value, list) else [value]:
            version = one if isinstance(one, str) else at(one, "version")
            place = next((str(at(one, key)) for key in ("git", "url", "path", "file") if at(one, key)), "")
            found.append(Dependency("python", _name(name), version if isinstance(version, str) else "", group, place))
    return Manifest(tuple(found))


def _pipfile(data: Mapping[str, Any]) -> Manifest:
    given = data.get("source")
    indexes = tuple(f"[[source]] {one.get('url', '')}" for one in given if isinstance(one, Mapping)) if isinstance(given, list) else ()
    return _joined(
        [
            *(_constraints(data.get(key), key) for key in data if key not in ("source", "requires", "scripts", "pipenv")),
            Manifest(indexes=indexes),
        ]
    )


def _uv(data: Mapping[str, Any]) -> Manifest:
    return _joined([_sources(data.get("sources"), "uv"), Manifest(indexes=tuple(_indexes({"uv": data})))])


def _setup_cfg(data: Mapping[str, Any]) -> Manifest:
    options, metadata = table(data.get("options")), table(data.get("metadata"))
    parts = [of_texts(_split(options.get(key)), key) for key in ("install_requires", "setup_requires", "tests_require")]
    parts += [of_texts(_split(given), f"extra {extra}") for extra, given in table(data.get("options.extras_require")).items()]
    links = tuple(f"dependency_links {link}" for link in _split(options.get("dependency_links")))
    easy = table(data.get("easy_install"))
    links += tuple(f"[easy_install] {key} {easy[key]}" for key in ("index_url", "find_links") if easy.get(key))
    return _joined([*parts, Manifest(indexes=links, licence=_one_line(metadata.get("license", "")))])


def _split(value: Any) -> list[str]:
    """A list as setup.cfg writes it: one item per line, or items between semicolons on one."""
    if not isinstance(value, str):
        return []
    items = value.splitlines() if "\n" in value.strip() else [value]
    return [item.strip() for item in items if item.strip() and not item.lstrip().startswith(("#", "file:"))]


def _setup_script(data: Mapping[str, Any]) -> Manifest:
    lists = table(data.get("lists"))
    parts = [of_texts(texts(given), key) for key, given in lists.items() if key not in ("dependency_links", "license")]
    licence = " ".join(texts(lists.get("license")))
    links = tuple(f"dependency_links {link}" for link in texts(lists.get("dependency_links")))
    unread = tuple(f"{key} is not written out" for key in texts(data.get("open")))
    return _joined([*parts, Manifest(indexes=links, licence=_one_line(licence), unread=unread)])


def _pip_conf(data: Mapping[str, Any]) -> Manifest:
    keys = (
        "index-url",
        "extra-index-url",
        "find-links",
        "trusted-host",
        "no-index",
        "repository",
        "proxy",
        "index",
        "index_url",
        "extra_index_url",
    )
    return Manifest(
        indexes=tuple(f"[{section}] {key} {given}" for section, items in data.items() for key, given in table(items).items() if key in keys)
    )


def _package_json(content: bytes) -> Manifest:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return Manifest(unread=("it could not be parsed",))
    found = []
    for group in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "overrides", "resolutions"):
        for name, given in table(at(data, group)).items():
            spec = given if isinstance(given, str) else ""
            elsewhere = re.match(r"^(git|https?|file|link|ssh|github|gitlab|bitbucket|npm)[:+]|^[\w.-]+/[\w.-]+(#|$)|^\.{0,2}/", spec)
            found.append(Dependency("npm", name.lower(), "" if elsewhere else spec, group, spec if elsewhere else ""))
    scripts = tuple(
        f"scripts.{key} {given}"
        for key, given in table(at(data, "scripts")).items()
        if key in ("preinstall", "install", "postinstall", "prepare")
    )
    licence = at(data, "license")
    registry = at(data, "publishConfig", "registry")
    places = (f"publishConfig.registry {registry}",) if registry else ()
    return Manifest(tuple(found), (*scripts, *places), _one_line(licence))


def _go_mod(content: bytes) -> Manifest:
    found, block = [], ""
    for raw in content.decode("utf-8", "replace").splitlines():
        line = raw.partition("//")[0].strip()
        words = line.split()
        if block and line == ")":
            block = ""
        elif len(words) > 1 and words[1] == "(":
            block = words[0]
        elif words:
            verb, rest = (block, words) if block else (words[0], words[1:])
            if verb == "require" and len(rest) > 1:
                found.append(Dependency("go", rest[0], rest[1], "require"))
            elif verb == "replace" and "=>" in rest and len(rest) > rest.index("=>") + 1:
                found.append(Dependency("go", rest[0], "", "replace", " ".join(rest[rest.index("=>") + 1 :])))
    return Manifest(tuple(found))


def _npmrc(content: bytes) -> Manifest:
    lines = (line.strip() for line in content.decode("utf-8", "replace").splitlines())
    return Manifest(
        indexes=tuple(
            _without_secret(line) for line in lines if re.search(r"(?i)registry|proxy|strict-ssl|cafile", line) and line[0] not in "#;"
        )
    )


def _without_secret(line: str) -> str:
    key = line.partition("=")[0]
    return key if re.search(r"(?i)auth|password", key) else line


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _one_line(value: Any) -> str:
    return " ".join(value.split())[:120] if isinstance(value, str) else ""


_BY_TABLES: dict[str, Callable[[Mapping[str, Any]], Manifest]] = {
    "pyproject.toml": _pyproject,
    "uv.toml": _uv,
    "pipfile": _pipfile,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_script,
    "pip.conf": _pip_conf,
    "pip.ini": _pip_conf,
    ".pypirc": _pip_conf,
}
_BY_LINES: dict[str, Callable[[bytes], Manifest]] = {
    "package.json": _package_json,
    "go.mod": _go_mod,
    ".npmrc": _npmrc,
    ".yarnrc": _npmrc,
}
