"""Which image a section `sandbox` means, and what finding it costs."""

import subprocess
import sys


def test_a_named_image_needs_nothing_of_the_recipes() -> None:
    program = "import sys, runner.sandbox.image.ensure; print(*(n for n in sys.modules if n.startswith('runner.sandbox.image.')), 'tomllib' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert sorted(said) == ["False", "runner.sandbox.image.ensure", "runner.sandbox.image.named"]
