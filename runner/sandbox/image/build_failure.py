"""Why an image build failed, in one sentence, from the end of what it printed."""

import re

_LAST_LINES = 15
_COMPILER = r"(?:[\w-]*gcc|[\w-]*g\+\+|cc|c\+\+|clang|rustc|cargo)"
_COMPILER_PACKAGES = "add apt: [gcc, libc6-dev] to sandbox.build"
_HEADER_PACKAGES = {
    "Python.h": "python3-dev",
    "ffi.h": "libffi-dev",
    "libpq-fe.h": "libpq-dev",
    "libxml/xpath.h": "libxml2-dev",
    "libxml/xmlversion.h": "libxml2-dev",
    "libxslt/xslt.h": "libxslt1-dev",
    "openssl/ssl.h": "libssl-dev",
    "openssl/opensslv.h": "libssl-dev",
    "zlib.h": "zlib1g-dev",
    "jpeglib.h": "libjpeg-dev",
    "mysql.h": "default-libmysqlclient-dev",
    "sqlite3.h": "libsqlite3-dev",
    "yaml.h": "libyaml-dev",
    "lzma.h": "liblzma-dev",
    "bzlib.h": "libbz2-dev",
    "curl/curl.h": "libcurl4-openssl-dev",
    "ldap.h": "libldap-dev",
    "gmp.h": "libgmp-dev",
    "hdf5.h": "libhdf5-dev",
    "geos_c.h": "libgeos-dev",
    "sasl/sasl.h": "libsasl2-dev",
    "unicode/utypes.h": "libicu-dev",
}
"""The Debian package of headers that packages of Python often ask for."""
_PROGRAM_PACKAGES = {
    "pg_config": "libpq-dev",
    "mysql_config": "default-libmysqlclient-dev",
    "xml2-config": "libxml2-dev",
    "xslt-config": "libxslt1-dev",
    "curl-config": "libcurl4-openssl-dev",
    "pkg-config": "pkg-config",
    "cmake": "cmake",
    "make": "make",
    "git": "git",
    "swig": "swig",
    "rustc": "rustc, cargo",
    "cargo": "rustc, cargo",
    "g++": "g++",
    "c++": "g++",
}
_CAUSES = (
    (r"No space left on device", "the disk is full"),
    (
        r"FROM (\S+)[^\n]*\n(?:Get \"|pull access denied|manifest for|Error response)",
        "the Dockerfile begins with {0}, which is not on this engine, and no registry offers it",
    ),
    (r"(dockerfile parse error.+)", "{0}"),
    (r"^((?:COPY|ADD) failed: .+)$", "{0}"),
    (
        r"^go: .*(?:dial tcp|no such host|connection refused|module lookup disabled)",
        "Go's modules cannot be downloaded here; set GOPROXY on this machine, or commit vendor/ to the base (go mod vendor)",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|self[- ]signed certificate|UNABLE_TO_(?:GET|VERIFY)|x509: certificate|certificate verification failed",
        "a server shows a certificate that is not trusted here; set PIP_CERT to your CA bundle",
    ),
    (
        r"(?:40[137]) (?:Client )?Error|Tunnel connection failed: 407|npm ERR! code E40[137]|407 +Proxy Authentication",
        "the package index or the proxy refused the request; check its credentials",
    ),
    (r"Unable to connect to proxy|ProxyError|Could not resolve proxy", "the proxy of this machine's settings cannot be reached"),
    (
        (
            r"Temporary failure (?:in name resolution|resolving)|Name or service not known|Failed to establish a new connection"
            r"|Network is unreachable|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|dial tcp|ConnectTimeoutError|Could not (?:resolve|connect to)"
        ),
        "the package index cannot be reached from the build container",
    ),
    (r"THESE PACKAGES DO NOT MATCH THE HASHES", "a package does not match the hash in the requirements file"),
    (r"Could not open requirements file: .*?'([^']+)'", "the requirements file {0} is not in the base tree"),
    (r"Cyclic dependency group include[^:\n]*: ?(.+)", "dependency groups include one another in a circle: {0}"),
    (r"Dependency group '([^']+)' not found", "a dependency group includes {0}, which the base's pyproject.toml does not have"),
    (r"no such option: --group", "the image's pip knows no dependency groups; ask for a newer Python by sandbox.build.python"),
    (r"does not provide the extra '([^']+)'", "there is no extra {0}; correct sandbox.build.extras"),
    (r"No matching distribution found for (.+)", "no release of {0} fits this Python, or the package index does not offer it"),
    (r"npm ERR! (.*package\.json and package-lock\.json.*in sync.*)", "package.json and package-lock.json of the base disagree"),
    (r"npm ERR! 404 +(?:Not Found - GET )?(\S+)", "the package index does not offer {0}"),
    (r"requires go >= ?([\d.]+)|cannot (?:find|use) GOROOT.*go([\d.]+)", "the base's go.mod wants Go {0}, which the image does not have"),
    (r"no required module provides package ([^\s;]+)", "the base's go.mod does not name the module of {0}"),
    (r"missing go\.sum entry", "the base's go.sum lacks an entry; run go mod tidy and commit it"),
    (r"ResolutionImpossible|conflicting dependencies", "the requirements contradict one another{conflict}"),
    (
        r"Multiple top-level (?:packages|modules) discovered",
        "setuptools cannot tell which folders are the package; name them in pyproject.toml",
    ),
    (
        (
            rf"command '[^']*{_COMPILER}' failed: No such file|No such file or directory: '{_COMPILER}'|Unknown compiler|linker `cc` not found"
            r"|C compiler \S* ?not found|no acceptable C compiler"
        ),
        f"code is to be compiled and the base image has no working compiler; {_COMPILER_PACKAGES}",
    ),
    (rf"command '[^']*{_COMPILER}' failed with exit", "compiled code of the project or of a package does not compile here"),
    (r"python3.{0,40}(?:not found|no such file)", "the base image has no python3"),
    (r"ensurepip is not available|No module named (?:'?venv|'?ensurepip)", "the base image lacks Python's venv module (python3-venv)"),
    (r"does not appear to be a Python project", "the base tree has nothing that pip can install"),
    (r"^The command '(.+)' returned a non-zero code: (\d+)", "the command {0} of the Dockerfile failed with exit status {1}"),
)
_HEADER = re.compile(r"fatal error: ['\"]?([\w./+-]+\.h(?:pp)?)['\"]?(?: file not found|: No such file)")
_PROGRAM = re.compile(
    r"(?:No such file or directory: '|error: command '|(?:Could not|Unable to|Cannot) (?:find|locate)[\w ]{0,20} [`'\"]?)([\w+-]+)"
    r"|([\w+-]+)(?: executable)?:? (?:command )?not found"
)
_PYTHON = re.compile(
    r"requires a different Python: (?P<has>\S+) not in '?(?P<wants>[^'\n]+?)'?$"
    r"|Requires-Python (?P<needs>[<>=!~][^\n;]*)(?=[\s\S]*No matching distribution found)",
    re.MULTILINE,
)
_CONFLICT = re.compile(r"Cannot install (.+?) because these package versions have conflicting")
_BUILD_SCRIPT = re.compile(
    r"metadata-generation-failed|(?:Getting requirements to build|Building|Preparing) editable .*did not run successfully|Failed to build"
)
_PYTHON_ERROR = re.compile(r"^\s*((?:[\w.]+\.)?\w*(?:Error|Exception)): .+$", re.MULTILINE)
_NOISE = re.compile(r"^\s*(?:note: |Looking in (?:indexes|links):|\[notice\]|WARNING: Retrying)")


def cause_of(output: str) -> str:
    """One sentence on the cause, with the mend where it is a key of the policy; the last error line when the pattern is not known."""
    for special in (_told_by_us, _wrong_python, _missing_header, _missing_program):
        if told := special(output):
            return told
    for pattern, sentence in _CAUSES:
        if found := re.search(pattern, output, re.IGNORECASE | re.MULTILINE):
            conflict = _CONFLICT.search(output)
            groups = [group.strip() for group in found.groups() if group]
            return sentence.format(*groups, "", conflict=f": {conflict[1].strip()}" if conflict else "")
    if _BUILD_SCRIPT.search(output):
        raised = [found[0].strip() for found in _PYTHON_ERROR.finditer(output)]
        return f"the project's own build script failed{': ' + raised[-1] if raised else ''}"
    errors = [line.strip() for line in output.splitlines() if re.match(r"\s*(?:error|\w*Error)\b", line, re.IGNORECASE)]
    return errors[-1] if errors else "the build ended without saying why"


def _told_by_us(output: str) -> str | None:
    """What the scripts of `images/` say of a fault that they saw coming."""
    return "; ".join(re.findall(r"^seatrial: (.+)$", output, re.MULTILINE)) or None


def _wrong_python(output: str) -> str | None:
    found = _PYTHON.search(output)
    if found is None:
        return None
    wants = (found["wants"] or found["needs"]).strip()
    least = re.search(r">=? ?(3\.\d+)", wants)
    mend = f'python: "{least[1]}" or newer' if least else "another python"
    has = f"; this one is {found['has']}" if found["has"] else ""
    return f"the project or a package wants Python {wants}{has}; ask for {mend} in sandbox.build"


def _missing_header(output: str) -> str | None:
    found = _HEADER.search(output)
    if found is None:
        return None
    package = _HEADER_PACKAGES.get(found[1])
    mend = (
        f"add apt: [gcc, libc6-dev, {package}] to sandbox.build" if package else "add the Debian package that has it to sandbox.build.apt"
    )
    return f"code is to be compiled and the header {found[1]} is missing; {mend}"


def _missing_program(output: str) -> str | None:
    for found in _PROGRAM.finditer(output):
        name = found[1] or found[2]
        if package := _PROGRAM_PACKAGES.get(name):
            compiler = "" if package in ("git", "make") else "gcc, libc6-dev, "
            return f"the build needs {name}, which the base image does not have; add apt: [{compiler}{package}] to sandbox.build"
    return None


def last_lines(output: str, count: int = _LAST_LINES) -> str:
    """The end of the output without the lines that name package indexes."""
    lines = [line for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    return "\n".join(lines[-count:])
