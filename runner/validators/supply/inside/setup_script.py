"""Reads the literal lists of dependencies in a `setup.py`; runs in the child of `runner.parsing`, and runs nothing of the file."""

import ast
import json

KEYS = ("install_requires", "setup_requires", "tests_require", "extras_require", "dependency_links")


def dependencies(content, _version):
    """JSON of `{"lists": {key: [text]}, "open": [key]}`; `open` names what is not written out as literals."""
    tree = ast.parse(content)
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    lists, open_ = {}, []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", getattr(node.func, "attr", "")) != "setup":
            continue
        for keyword in node.keywords:
            if keyword.arg not in (*KEYS, "license"):
                continue
            value = names.get(keyword.value.id, keyword.value) if isinstance(keyword.value, ast.Name) else keyword.value
            try:
                given = ast.literal_eval(value)
            except (ValueError, TypeError):
                open_.append(keyword.arg)
                continue
            for key, items in given.items() if isinstance(given, dict) else [("", given)]:
                name = f"{keyword.arg}.{key}" if key else keyword.arg
                lists[name] = items.splitlines() if isinstance(items, str) else [item for item in items or () if isinstance(item, str)]
    return json.dumps({"lists": lists, "open": open_})
