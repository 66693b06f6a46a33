"""What a noxfile.py says of the session that runs the tests: calls with literal arguments, nothing is run."""

import ast
from collections.abc import Iterator

from runner.discovery.base_files import BaseFiles
from runner.discovery.commands import best, command_of
from runner.discovery.needs import place_in_row
from runner.discovery.tox import Environment, environment_need

_FILE = "noxfile.py"


def nox_environment(files: BaseFiles) -> Environment | None:
    """The session of nox that runs the tests; `None` when none can be told."""
    module = files.python(_FILE)
    constants = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    sessions = [node for node in module.body if isinstance(node, ast.FunctionDef) and any(map(_is_session, node.decorator_list))]
    for session in sorted(sessions, key=lambda node: place_in_row(node.name)):
        commands = [command_of(words, files, main=main) for words, main in _calls(session, "run", constants)]
        if command := best(iter(commands)):
            installs = [words for words, _ in _calls(session, "install", constants)]
            source = f"session {session.name} in {_FILE}"
            need = environment_need("the session of nox", source, files, {"deps": list(_requirements(installs))})
            return Environment(need=need, command=command, source=source)
    return None


def _is_session(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(function, ast.Attribute) and function.attr == "session") or (
        isinstance(function, ast.Name) and function.id == "session"
    )


def _calls(session: ast.FunctionDef, method: str, constants: dict[str, ast.expr]) -> Iterator[tuple[list[str], bool]]:
    """The literal words of each `session.<method>(…)`, and whether a person's arguments are among them."""
    for node in ast.walk(session):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            words: list[str] = []
            main = False
            for argument in node.args:
                main |= "posargs" in ast.unparse(argument)
                words += _words(argument, constants)
            yield words, main


def _words(node: ast.expr, constants: dict[str, ast.expr]) -> list[str]:
    if isinstance(node, ast.Starred):
        node = node.value
    if isinstance(node, ast.BoolOp):  # session.posargs or ["tests"]
        node = node.values[-1]
    if isinstance(node, ast.Name) and node.id in constants:
        node = constants[node.id]
    items = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _requirements(installs: list[list[str]]) -> Iterator[str]:
    """One line per requirement, an option together with its value."""
    for words in installs:
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word in ("-r", "--requirement", "-e", "--editable", "-c", "--constraint", "--group") and rest:
                value = rest.pop(0)
                yield value if word in ("-e", "--editable") else f"{word} {value}"
            else:
                yield word
