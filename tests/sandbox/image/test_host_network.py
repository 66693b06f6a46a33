"""What a build is told of this host's network settings."""

from pathlib import Path

import pytest

from runner.sandbox.image.host_network import host_network, pip_config_files


def test_indexes_proxies_and_hosts_come_from_files_and_variables_and_variables_win(tmp_path: Path) -> None:
    machine, user = tmp_path / "machine.conf", tmp_path / "user.conf"
    machine.write_text("[global]\nindex-url = https://machine.example/simple\ntrusted-host = machine.example\n")
    user.write_text("[global]\nindex_url = https://user.example/simple\n[install]\nextra-index-url = https://a.example https://b.example\n")
    environ = {"PIP_EXTRA_INDEX_URL": "https://c.example", "https_proxy": "http://proxy:3128", "NO_PROXY": "localhost", "PIP_TIMEOUT": "90"}
    assert host_network(environ, (machine, user)).env == {
        "PIP_INDEX_URL": "https://user.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://c.example",
        "PIP_TRUSTED_HOST": "machine.example",
        "PIP_DEFAULT_TIMEOUT": "90",
        "https_proxy": "http://proxy:3128",
        "NO_PROXY": "localhost",
    }


def test_folders_of_this_host_and_everything_else_stay_here(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nextra-index-url = file:///srv/simple https://ok.example\nfind-links = /srv/wheels\nindex-url = file:///srv\n"
    )
    environ = {"PIP_FIND_LINKS": "/srv", "PIP_TARGET": "/srv", "AWS_SECRET_ACCESS_KEY": "secret", "PIP_REQUIRE_VIRTUALENV": "1"}
    assert host_network(environ, (file,)).env == {"PIP_EXTRA_INDEX_URL": "https://ok.example"}


@pytest.mark.parametrize("content", [b"no section\n", b"[global]\nindex-url = \xff\n", None])
def test_a_settings_file_that_cannot_be_read_is_passed_over(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "pip.conf"
    if content is not None:
        file.write_bytes(content)
    assert host_network({}, (file,)).env == {}


def test_the_certificates_named_for_pip_win_over_others_and_the_system_serves_at_last(tmp_path: Path) -> None:
    for name in ("pip", "requests", "conf"):
        (tmp_path / name).write_text(name)
    conf = tmp_path / "pip.conf"
    conf.write_text(f"[global]\ncert = {tmp_path / 'conf'}\n")
    requests = {"REQUESTS_CA_BUNDLE": str(tmp_path / "requests")}
    assert host_network({**requests, "PIP_CERT": str(tmp_path / "pip")}, (conf,)).certificates == b"pip"
    assert host_network(requests, (conf,)).certificates == b"conf"
    assert host_network({**requests, "PIP_CERT": "/absent"}, ()).certificates == b"requests"


def test_passwords_are_not_shown_by_accident() -> None:
    network = host_network({"PIP_INDEX_URL": "https://me:hunter2@index.example", "http_proxy": "http://me:hunter2@proxy"}, ())
    assert "hunter2" in network.env["PIP_INDEX_URL"]
    assert "hunter2" not in repr(network)


def test_pips_own_switch_for_no_settings_at_all_is_honoured(tmp_path: Path) -> None:
    assert pip_config_files({"PIP_CONFIG_FILE": "/dev/null"}) == ()
    assert pip_config_files({"PIP_CONFIG_FILE": "/a/pip.conf", "HOME": str(tmp_path)})[-1] == Path("/a/pip.conf")
