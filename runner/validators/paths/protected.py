"""Names that a change may not touch unseen: what decides how code is tested, built, started, and by whom it is reviewed."""

import fnmatch
import re
from dataclasses import dataclass
from functools import cache

from runner.model.globs import first


@dataclass(frozen=True)
class Kind:
    """A kind of protected file; `patterns` are globs over the lower-case path."""

    rule: str
    what: str
    patterns: tuple[str, ...]


KINDS = (
    Kind("paths.policy", "what seatrial allows", ("**/.seatrial/**",)),
    Kind(
        "paths.test_configuration",
        "how tests run",
        (
            "**/conftest.py",
            "**/pytest.ini",
            "**/.pytest.ini",
            "**/pytest.toml",
            "**/.pytest.toml",
            "**/.coveragerc",
            "**/.coveragerc.toml",
            "**/unittest.cfg",
            "**/nose2.cfg",
            "**/.env",
        ),
    ),
    Kind(
        "paths.owners",
        "who must review",
        ("codeowners", "docs/codeowners", ".github/codeowners", ".gitlab/codeowners", ".gitea/codeowners", ".forgejo/codeowners"),
    ),
    Kind(
        "paths.ci",
        "what CI runs",
        (
            ".github/workflows/**",
            ".github/actions/**",
            ".github/dependabot.y*ml",
            "**/action.y*ml",
            ".gitlab-ci.y*ml",
            "**/*.gitlab-ci.y*ml",
            ".gitlab/**",
            ".circleci/**",
            "**/jenkinsfile",
            "**/jenkinsfile.*",
            "**/*.jenkinsfile",
            "azure-pipelines*.y*ml",
            ".azure-pipelines/**",
            ".azuredevops/**",
            ".travis.y*ml",
            ".buildkite/**",
            ".drone.y*ml",
            ".woodpecker.y*ml",
            ".woodpecker/**",
            "bitbucket-pipelines.yml",
            "appveyor.y*ml",
            ".appveyor.y*ml",
            ".cirrus.y*ml",
            ".cirrus.star",
            ".semaphore/**",
            ".teamcity/**",
            ".forgejo/workflows/**",
            ".gitea/workflows/**",
            "buildspec*.y*ml",
            "cloudbuild*.y*ml",
            ".zuul.y*ml",
            ".zuul.d/**",
            ".ci/**",
            "renovate.json*",
            ".renovaterc*",
            ".github/renovate.json*",
            ".readthedocs.y*ml",
        ),
    ),
    Kind(
        "paths.dependencies",
        "what is installed",
        (
            "**/*requirements*.txt",
            "**/*requirements*.in",
            "requirements/**",
            "**/requirements/*.txt",
            "**/requirements/*.in",
            "**/*constraints*.txt",
            "**/pipfile",
            "**/pipfile.lock",
            "**/poetry.lock",
            "**/uv.lock",
            "**/uv.toml",
            "**/pdm.lock",
            "**/pdm.toml",
            "**/pylock*.toml",
            "**/pixi.toml",
            "**/pixi.lock",
            "**/conda*.y*ml",
            "**/environment*.y*ml",
            "**/pip.conf",
            "**/.pypirc",
            "**/package.json",
            "**/package-lock.json",
            "**/npm-shrinkwrap.json",
            "**/yarn.lock",
            "**/pnpm-lock.yaml",
            "**/pnpm-workspace.yaml",
            "**/bun.lock*",
            "**/.npmrc",
            "**/.yarnrc*",
            "**/.yarn/**",
            "**/go.mod",
            "**/go.sum",
            "**/go.work*",
            "**/cargo.toml",
            "**/cargo.lock",
            "**/.cargo/**",
            "**/gemfile",
            "**/gemfile.lock",
            "**/*.gemspec",
            "**/composer.json",
            "**/composer.lock",
        ),
    ),
    Kind(
        "paths.build",
        "how it is built",
        (
            "**/setup.py",
            "**/manifest.in",
            "**/hatch_build.py",
            "**/hatch.toml",
            "**/makefile",
            "**/makefile.*",
            "**/gnumakefile",
            "**/*.mk",
            "**/justfile",
            "**/taskfile*.y*ml",
            "**/noxfile.py",
            "**/toxfile.py",
            "**/tox.toml",
            "**/dodo.py",
            "**/cmakelists.txt",
            "**/meson.build",
            "**/meson.options",
            "**/meson_options.txt",
            "**/sconstruct",
            "**/dockerfile",
            "**/dockerfile.*",
            "**/*.dockerfile",
            "**/containerfile",
            "**/containerfile.*",
            "**/.dockerignore",
            "**/docker-compose*.y*ml",
            "**/compose*.y*ml",
            "**/.python-version",
            "**/.tool-versions",
            "**/mise.toml",
            "**/.mise.toml",
        ),
    ),
    Kind(
        "paths.hooks",
        "what runs on a developer's machine",
        ("**/.pre-commit-config.y*ml", "**/.pre-commit-hooks.y*ml", "**/.githooks/**", "**/.husky/**", "**/lefthook.y*ml", "**/.envrc"),
    ),
    Kind("paths.git", "how git reads the repository", ("**/.gitattributes", "**/.gitmodules", "**/.lfsconfig")),
    Kind(
        "paths.instructions",
        "what editors and agents are told to do",
        (
            "**/.vscode/**",
            "**/*.code-workspace",
            "**/.idea/**",
            "**/.devcontainer/**",
            "**/.devcontainer.json",
            "**/claude.md",
            "**/claude.local.md",
            "**/.claude/**",
            "**/agents.md",
            "**/gemini.md",
            "**/.gemini/**",
            "**/.codex/**",
            "**/.cursor/**",
            "**/.cursorrules",
            "**/.windsurf/**",
            "**/.windsurfrules",
            "**/.clinerules*",
            "**/.aider*",
            "**/.mcp.json",
            ".github/copilot-instructions.md",
            ".github/instructions/**",
            ".github/prompts/**",
        ),
    ),
)


def kind_of(path: str) -> Kind | None:
    """The kind of protected file that a path names, whatever the case of its letters; the first in order."""
    lower = path.lower()
    parts = lower.split("/")
    for kind, words, wild, others in _prepared():
        if not words.isdisjoint(parts) or (wild and wild.fullmatch(parts[-1])) or first(others, lower) is not None:
            return kind
    return None


@cache
def _prepared() -> tuple[tuple[Kind, frozenset[str], re.Pattern[str] | None, tuple[str, ...]], ...]:
    """The kinds with their patterns sorted by how they are matched: a change may have thousands of paths."""
    prepared = []
    for kind in KINDS:
        anywhere = {pattern: pattern.removeprefix("**/") for pattern in kind.patterns if pattern.startswith("**/")}
        simple = {pattern: name for pattern, name in anywhere.items() if "/" not in name}
        words = frozenset(name for name in simple.values() if not set(name) & set("*?["))
        wild = [fnmatch.translate(name) for name in simple.values() if name not in words]
        others = tuple(pattern for pattern in kind.patterns if pattern not in simple)
        prepared.append((kind, words, re.compile("|".join(wild)) if wild else None, others))
    return tuple(prepared)
