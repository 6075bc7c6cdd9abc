"""Targets by name: what they are understood to be, and that they are as the real ones."""

from __future__ import annotations

import os
import re
from itertools import combinations
from pathlib import Path

import pytest
from packaging import tags
from packaging.markers import default_environment

from ppm.engine.environment.interpreter import current
from ppm.engine.errors import ProjectError
from ppm.engine.lockfile import alike, target_marker
from ppm.engine.target import Target
from ppm.engine.targets import EXAMPLES, known_target, parse_target, parse_targets

SPELLINGS = {
    "musl-x86_64-py3.12": "linux-musl-x86_64-py3.12",
    "linux-x86_64-musl1.1-py3.12": "linux-musl1.1-x86_64-py3.12",
    "Linux-AMD64-glibc2.28-py3.12.0": "linux-x86_64-py3.12",
    "linux-arm64-py3.9.2": "linux-aarch64-py3.9.2",
    "darwin-aarch64-py3.13t": "macos-arm64-py3.13t",
    "macos14-arm64-py3.13": "macos14.0-arm64-py3.13",
    "windows-amd64-py3.12": "windows-x86_64-py3.12",
    "wasm32-pyemscripten_2026_0": "wasm32-pyodide_2026",
}
NO_TARGETS = {
    "": "'' is no Python",
    "linux": "'linux' is no Python",
    "py3.12": "'' is none of linux",
    "beos-x86_64-py3.12": "'beos' is none of linux, macos, windows and wasm32",
    "linux-py3.12": "nothing is no machine of linux (x86_64, aarch64",
    "linux-x86_64-x86_64-py3.12": "x86_64-x86_64 is no machine",
    "macos-s390x-py3.12": "s390x is no machine of macos (arm64, x86_64)",
    "linux-x86_64-py2.7": "'py2.7' is no Python",
    "linux-x86_64-py3.7": "(3.8 or later)",
    "linux-x86_64-glibc3.1-py3.12": "glibc3.1 is no glibc 2",
    "musl-x86_64-glibc2.35-py3.12": "glibc2.35 and musl are two C libraries",
    "windows-x86_64-musl-py3.12": "musl is a C library of Linux",
    "macos10.9-arm64-py3.12": "macOS 10.9 does not run on arm64",
    "wasm32-pyodide_2031": "pyodide_2031 is none of pyodide_2024, pyodide_2025, pyodide_2026",
    "wasm32": "nothing is none of pyodide_2024",
}


def tags_with(target: Target, platform: str) -> list[str]:
    return [tag for tag in target.tags if tag.endswith(platform)]


def test_this_machines_target_by_name_is_as_the_machine_says(tmp_path: Path) -> None:
    here = current(tmp_path).target
    libc = os.confstr("CS_GNU_LIBC_VERSION") if hasattr(os, "confstr") else None
    if not libc or not here.name.startswith("linux-"):
        pytest.skip("needs Linux with glibc")
    system, machine, python = here.name.split("-")
    patch = here.python_full_version.rpartition(".")[2]
    named = parse_target(f"{system}-{machine}-glibc{libc.split()[1]}-{python}.{patch}")
    assert named.tags == here.tags == tuple(map(str, tags.sys_tags()))
    unknown = {"platform_release": "", "platform_version": ""}
    assert named.markers == {**here.markers, **unknown}
    assert {**default_environment(), **unknown} == named.markers
    assert alike(named, here)


@pytest.mark.parametrize(("written", "name"), SPELLINGS.items())
def test_a_target_has_one_spelling(written: str, name: str) -> None:
    assert parse_target(written).name == name
    assert parse_target(name) == parse_target(written)


@pytest.mark.parametrize(("name", "words"), NO_TARGETS.items())
def test_what_is_no_target_is_refused_with_what_is(name: str, words: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse_target(name)
    assert caught.value.code == "UNKNOWN_TARGET"
    assert words in caught.value.message
    assert all(example in caught.value.hint for example in EXAMPLES)


def test_libraries_and_systems_decide_which_wheels_fit() -> None:
    linux = parse_target("linux-x86_64-py3.12")
    assert linux.tags[:2] == ("cp312-cp312-linux_x86_64", "cp312-cp312-manylinux_2_28_x86_64")
    assert not tags_with(linux, "manylinux_2_29_x86_64")
    assert tags_with(linux, "manylinux1_x86_64")
    newer = parse_target("linux-x86_64-glibc2.35-py3.12")
    assert set(linux.tags) < set(newer.tags)
    musl = parse_target("linux-musl-x86_64-py3.12")
    assert "cp312-cp312-musllinux_1_2_x86_64" in musl.tags
    assert not any("manylinux" in tag or "musllinux_1_3" in tag for tag in musl.tags)
    mac = parse_target("macos-arm64-py3.13")
    assert mac.tags[:2] == ("cp313-cp313-macosx_13_0_arm64", "cp313-cp313-macosx_13_0_universal2")
    assert not any("macosx_14" in tag for tag in mac.tags)
    assert parse_target("windows-arm64-py3.12").tags[0] == "cp312-cp312-win_arm64"
    for name in EXAMPLES:
        assert "py3-none-any" in parse_target(name).tags


def test_pyodide_knows_the_tag_of_pep_783_and_the_one_before_it() -> None:
    pyodide = parse_target("wasm32-pyodide_2025")
    assert pyodide.tags[:2] == (
        "cp313-cp313-pyemscripten_2025_0_wasm32",
        "cp313-cp313-pyodide_2025_0_wasm32",
    )
    assert pyodide.markers["sys_platform"] == "emscripten"
    assert pyodide.markers["platform_machine"] == "wasm32"
    assert pyodide.markers["python_version"] == "3.13"
    assert not pyodide.builds


def test_without_the_gil_there_is_another_abi() -> None:
    free = parse_target("linux-x86_64-py3.13t")
    assert free.tags[0] == "cp313-cp313t-linux_x86_64"
    assert not any("-abi3-" in tag for tag in free.tags)


def test_markers_tell_systems_machines_and_versions_apart_and_nothing_else() -> None:
    names = ["linux-x86_64-py3.12", "linux-aarch64-py3.12", "linux-x86_64-py3.13"]
    names += ["macos-arm64-py3.12", "windows-x86_64-py3.12", "wasm32-pyodide_2025"]
    assert not any(alike(a, b) for a, b in combinations(map(parse_target, names), 2))
    for other in ("linux-musl-x86_64-py3.12", "linux-x86_64-glibc2.35-py3.12.4"):
        assert alike(parse_target(names[0]), parse_target(other))
    assert target_marker(parse_target("windows-x86_64-py3.12")) == (
        "implementation_name == 'cpython' and platform_machine == 'AMD64' and "
        "python_version == '3.12' and sys_platform == 'win32'"
    )


def test_the_running_machine_goes_by_its_own_name_and_by_here(tmp_path: Path) -> None:
    here = current(tmp_path).target
    assert parse_targets(["here", here.name], here) == (here,)
    assert known_target(here.name, here) is here
    assert known_target("linux-x86_64-pp3.10", here) is None
    assert known_target("musl-x86_64-py3.12", here) is None  # Not as a lock spells it.


def test_every_name_of_the_command_page_is_understood() -> None:
    page = (Path(__file__).parents[2] / "docs/cli.md").read_text("utf-8")
    section = page.partition("#### Targets")[2].partition("\n### ")[0]
    names = re.findall(
        r"`((?:linux|macos|windows|wasm32)[a-z0-9_.-]*py[a-z0-9_.]+(?:-[a-z0-9.]+)?)`", section
    )
    assert len(names) >= len(EXAMPLES) - 1
    assert [parse_target(name).name for name in names] == names


def test_a_backend_ends_the_name_and_changes_nothing_else(tmp_path: Path) -> None:
    plain, with_backend = parse_target("linux-x86_64-py3.12"), "linux-x86_64-py3.12-cu121"
    target = parse_target(with_backend)
    assert (target.name, target.backend) == (with_backend, "cu121")
    assert (target.plain_name, target.on("")) == (plain.name, plain)
    assert parse_target("wasm32-pyodide_2025-cpu").backend == "cpu"
    assert parse_target("linux-musl-x86_64-py3.12-rocm6.2").backend == "rocm6.2"
    for wrong in ("linux-x86_64-py3.12-cu121-cpu", "linux-x86_64-cu121", "linux-py3.12-x86_64"):
        with pytest.raises(ProjectError):
            parse_target(wrong)
    here = current(tmp_path).target
    own = here.on("cu121")
    assert parse_targets(["here", here.name, own.name], own) == (own,)
    (other,) = parse_targets([f"{here.name}-cpu"], own)
    assert (other.backend, other.tags) == ("cpu", here.tags)
    assert known_target(own.name, here) == own
    assert known_target(here.name, own) == here
