from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pip._internal.models.index import PyPI

from ppm.engine.errors import IndexFailure
from ppm.engine.index import pip_config
from ppm.engine.index.pip_config import IndexSettings, read_index_settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are Linux's")


class Machine:
    """A machine's configuration folders below one directory."""

    def __init__(self, root: Path) -> None:
        self.prefix = root / "prefix"
        self.home = root / "home"
        self.system = root / "xdg"
        self.etc_file = root / "etc/pip.conf"
        self.environ = {"HOME": str(self.home), "XDG_CONFIG_DIRS": str(self.system)}

    def write(self, file: Path, section: str, **values: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{key.replace('_', '-')} = {value}" for key, value in values.items()]
        with file.open("a") as stream:
            stream.write("\n".join([f"[{section}]", *lines, ""]))

    def read(self, **variables: str) -> IndexSettings:
        return read_index_settings({**self.environ, **variables}, prefix=self.prefix)

    @property
    def system_file(self) -> Path:
        return self.system / "pip/pip.conf"

    @property
    def user_file(self) -> Path:
        return self.home / ".config/pip/pip.conf"

    @property
    def legacy_file(self) -> Path:
        return self.home / ".pip/pip.conf"

    @property
    def site_file(self) -> Path:
        return self.prefix / "pip.conf"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(pip_config, "_SYSTEM_FOLDER", tmp_path / "etc")
    return Machine(tmp_path)


def index(machine: Machine, **variables: str) -> str:
    return machine.read(**variables).index_url


def test_nothing_configured_means_pips_own_index(machine: Machine) -> None:
    assert index(machine) == PyPI.simple_url + "/"


def test_each_file_overrides_those_before_it(machine: Machine) -> None:
    for place, file in enumerate(
        [
            machine.system_file,
            machine.etc_file,
            machine.legacy_file,
            machine.user_file,
            machine.site_file,
        ]
    ):
        machine.write(file, "global", index_url=f"https://{place}.index.example/simple")
        assert index(machine) == f"https://{place}.index.example/simple/"


def test_file_named_by_the_environment_stands_for_the_users(
    machine: Machine, tmp_path: Path
) -> None:
    machine.write(machine.user_file, "global", index_url="https://user.example/", cert="/user.pem")
    named = tmp_path / "named.conf"
    machine.write(named, "global", index_url="https://named.example/")
    settings = machine.read(PIP_CONFIG_FILE=str(named))
    assert settings.index_url == "https://named.example/"
    assert settings.ca_file != "/user.pem"


def test_devnull_as_file_turns_all_files_off(machine: Machine) -> None:
    machine.write(machine.site_file, "global", index_url="https://site.example/")
    assert index(machine, PIP_CONFIG_FILE=os.devnull) == PyPI.simple_url + "/"


def test_install_section_wins_over_global_whatever_the_file(machine: Machine) -> None:
    machine.write(machine.system_file, "install", index_url="https://install.example/")
    machine.write(machine.site_file, "global", index_url="https://global.example/")
    assert index(machine) == "https://install.example/"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PIP_INDEX_URL": "https://pip.example/s"}, "https://pip.example/s/"),
        ({"PIP_INDEX_URL": ""}, "https://site.example/"),
        (
            {"PIP_INDEX_URL": "https://pip.example/s", "PPM_INDEX_URL": "https://ppm.example"},
            "https://ppm.example/",
        ),
    ],
)
def test_variables_win_unless_empty(
    machine: Machine, variables: Mapping[str, str], expected: str
) -> None:
    machine.write(machine.site_file, "global", index_url="https://site.example/")
    assert index(machine, **variables) == expected


def test_key_may_be_spelled_as_the_option(machine: Machine) -> None:
    machine.write(machine.site_file, "global", **{"--INDEX_URL": "https://site.example/"})
    assert index(machine) == "https://site.example/"


def test_login_is_kept_apart(machine: Machine) -> None:
    settings = machine.read(PIP_INDEX_URL="https://user:hunter2@index.example:8443/simple")
    assert settings.index_url == "https://index.example:8443/simple/"
    assert "hunter2" not in repr(settings)
    here = "https://index.example:8443/simple/x/"
    assert settings.credentials.authorization(here) is not None
    assert settings.credentials.authorization("https://index.example/simple/x/") is None


@pytest.mark.parametrize("location", ["wheels", "./wheels/"])
def test_folder_is_a_legal_index(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = (tmp_path / "wheels").as_uri() + "/"
    assert index(machine, PIP_INDEX_URL=location) == expected
    assert index(machine, PIP_INDEX_URL=expected) == expected


def test_certificates_come_from_pip_then_from_requests(machine: Machine) -> None:
    assert machine.read(REQUESTS_CA_BUNDLE="/r.pem").ca_file == "/r.pem"
    machine.write(machine.user_file, "global", cert="/conf.pem")
    assert machine.read(REQUESTS_CA_BUNDLE="/r.pem").ca_file == "/conf.pem"
    assert machine.read(PIP_CERT="/env.pem").ca_file == "/env.pem"


def test_further_indexes_are_told_but_not_used(machine: Machine) -> None:
    machine.write(
        machine.user_file,
        "global",
        extra_index_url="https://user:hunter2@one.example/\n  https://two.example/simple",
        find_links="https://user:hunter2@links.example/",
    )
    settings = machine.read()
    assert settings.extra_index_urls == ("https://one.example/", "https://two.example/simple/")
    assert "hunter2" not in repr(settings)
    assert settings.index_url == PyPI.simple_url + "/"


def test_broken_file_is_named_without_its_contents(machine: Machine) -> None:
    machine.site_file.parent.mkdir(parents=True)
    machine.site_file.write_text("index-url = https://user:hunter2@index.example/\n")
    with pytest.raises(IndexFailure) as caught:
        machine.read()
    assert caught.value.code == "INVALID_PIP_CONFIG"
    assert str(machine.site_file) in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint
