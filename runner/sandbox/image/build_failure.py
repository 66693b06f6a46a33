"""Why an image build failed, in one sentence, from the end of what it printed."""

import re

_LAST_LINES = 15
_COMPILER = r"(?:[\w-]*gcc|[\w-]*g\+\+|cc|c\+\+|clang|rustc|cargo)"
_FULLER = "name a fuller base image in sandbox.build.base"
_CAUSES = (
    (r"No space left on device", "the disk is full"),
    (r"CERTIFICATE_VERIFY_FAILED", "the package index shows a certificate that is not trusted; set PIP_CERT to your CA bundle"),
    (
        r"(?:401|403|407) (?:Client )?Error|Tunnel connection failed: 407",
        "the package index or the proxy refused the request; check its credentials",
    ),
    (
        r"Temporary failure in name resolution|Name or service not known|Failed to establish a new connection|Network is unreachable",
        "the package index cannot be reached from the build container",
    ),
    (r"THESE PACKAGES DO NOT MATCH THE HASHES", "a package does not match the hash in the requirements file"),
    (r"Could not open requirements file: .*?'([^']+)'", "the requirements file {0} is not in the base tree"),
    (r"No matching distribution found for (.+)", "no release of {0} fits this Python, or the package index does not offer it"),
    (r"requires a different Python: (.+)", "the project or a package wants another Python: {0}"),
    (r"ResolutionImpossible|conflicting dependencies", "the requirements contradict one another"),
    (
        r"Multiple top-level (?:packages|modules) discovered",
        "setuptools cannot tell which folders are the package; name them in pyproject.toml",
    ),
    (r"Python\.h: No such file", f"the project compiles code and the base image has no Python headers; {_FULLER}"),
    (
        rf"command '[^']*{_COMPILER}' failed: No such file|No such file or directory: '{_COMPILER}'|Unknown compiler|linker `cc` not found",
        f"the project compiles code and the base image has no working compiler; {_FULLER}",
    ),
    (rf"command '[^']*{_COMPILER}' failed with exit", f"compiled code of the project does not compile here; {_FULLER}"),
    (r"python3.{0,40}(?:not found|no such file)", "the base image has no python3"),
    (r"ensurepip is not available|No module named (?:'?venv|'?ensurepip)", "the base image lacks Python's venv module (python3-venv)"),
    (r"does not appear to be a Python project", "the base tree has nothing that pip can install"),
)
_BUILD_SCRIPT = re.compile(
    r"metadata-generation-failed|(?:Getting requirements to build|Building|Preparing) editable .*did not run successfully|Failed to build"
)
_PYTHON_ERROR = re.compile(r"^\s*((?:[\w.]+\.)?\w*(?:Error|Exception)): .+$", re.MULTILINE)
_NOISE = re.compile(r"^\s*(?:note: |Looking in (?:indexes|links):|\[notice\]|WARNING: Retrying)")


def cause_of(output: str) -> str:
    """One sentence on the cause; the last error line when the pattern is not known."""
    for pattern, sentence in _CAUSES:
        if found := re.search(pattern, output, re.IGNORECASE):
            return sentence.format(*(group.strip() for group in found.groups()))
    if _BUILD_SCRIPT.search(output):
        raised = [found[0].strip() for found in _PYTHON_ERROR.finditer(output)]
        return f"the project's own build script failed{': ' + raised[-1] if raised else ''}"
    errors = [line.strip() for line in output.splitlines() if re.match(r"\s*(?:error|\w*Error)\b", line, re.IGNORECASE)]
    return errors[-1] if errors else "the build ended without saying why"


def last_lines(output: str, count: int = _LAST_LINES) -> str:
    """The end of the output without the lines that name package indexes."""
    lines = [line for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    return "\n".join(lines[-count:])
