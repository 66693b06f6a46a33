"""The nursery loads nothing of the repository, whatever the image's packages hold."""

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

NURSERY = resources.files("runner.trial.inside").joinpath("pytest_nursery.py").read_text()
LOAD = """
import sys, types
nursery = types.ModuleType("nursery")
exec(compile({program!r}, "nursery.py", "exec"), nursery.__dict__)
sys.path.insert(0, {packages!r})
{then}
"""


def run(packages: Path, then: str) -> str:
    code = LOAD.format(program=NURSERY, packages=str(packages), then=then)
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("linked", [True, False])
def test_a_package_that_leads_into_the_repository_is_not_loaded_before_the_fork(tmp_path: Path, *, linked: bool) -> None:
    work, packages = tmp_path / "work", tmp_path / "packages"
    for folder in (work / "pytest", packages):
        folder.mkdir(parents=True)
    (work / "pytest" / "__init__.py").write_text("print('loaded')")
    (packages / "_pytest").mkdir()
    (packages / "_pytest" / "__init__.py").write_text("")
    (packages / "_pytest" / "config.py").write_text("default_plugins = ()")
    if linked:
        (packages / "pytest").symlink_to(work / "pytest")
    else:
        (packages / "pytest").mkdir()
        (packages / "pytest" / "__init__.py").write_text("print('loaded')")
    said = run(packages, f"nursery.preload({str(work)!r}); print(len([f for f in sys.meta_path if isinstance(f, nursery.Image)]))")
    assert said == ("0\n" if linked else "loaded\n0\n")


def test_lines_of_pth_files_wait_for_the_fork(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "evil.pth").write_text("import sys; print('ran')\n")
    then = f"""
import site
site.getsitepackages = lambda *_: [{str(packages)!r}]
later = nursery.Later()
later.prepare()
print("prepared")
later.do()
"""
    assert run(packages, then) == "prepared\nran\n"
