from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.wheels import build_wheel

from ppm.engine.errors import RequirementError
from ppm.engine.lockfile import render_pylock
from ppm.engine.manifest.importing import ImportedRequirements, requirements_from
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage


def write(folder: Path, name: str, text: str) -> ImportedRequirements:
    path = folder / name
    path.write_text(text)
    return requirements_from(path, environment={}, directory=folder)


def texts(imported: ImportedRequirements) -> list[str]:
    return [one.requirement for one in imported.requirements]


def test_a_requirements_file_is_known_by_its_name(tmp_path: Path) -> None:
    for name in ("requirements.txt", "dev.in", "REQUIREMENTS"):
        imported = write(tmp_path, name, "a>=1\n--pre\n--trusted-host x\n")
        assert (imported.kind, texts(imported)) == ("requirements", ["a>=1"])
        assert imported.options.pre
        assert len(imported.unsupported) == 1


def test_a_script_with_metadata_is_not_scanned(tmp_path: Path) -> None:
    block = '# /// script\n# dependencies = ["rich>=13"]\n# requires-python = ">=3.11"\n# ///\n'
    imported = write(tmp_path, "s.py", f"{block}import cv2\n")
    assert (imported.kind, texts(imported)) == ("script-metadata", ["rich>=13"])
    assert imported.requires_python == ">=3.11"
    assert imported.requirements[0].source == "s.py"


def test_a_script_without_metadata_is_scanned_and_guesses_are_told(tmp_path: Path) -> None:
    imported = write(tmp_path, "tool", "#!/usr/bin/env python3\nimport cv2, numpy, google.xyz\n")
    assert (imported.kind, texts(imported)) == ("script-imports", ["opencv-python", "numpy"])
    assert imported.warnings == ("tool: import numpy: taken to be the package numpy",)
    assert imported.unsupported == ("tool: import google.xyz: not known who provides it",)


def test_a_broken_block_is_told_before_the_imports_are_taken(tmp_path: Path) -> None:
    imported = write(tmp_path, "s.py", "# /// script\n#dependencies = []\n# ///\nimport yaml\n")
    assert texts(imported) == ["PyYAML"]
    assert "not well formed" in imported.warnings[0]


def test_manifests_give_what_a_plain_install_takes(tmp_path: Path) -> None:
    imported = write(
        tmp_path,
        "pyproject.toml",
        '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["b", "a[x]"]\n[project.optional-dependencies]\nx = ["c"]\ny = ["d"]\n'
        '[dependency-groups]\ndev = ["e"]\n',
    )
    assert (imported.kind, texts(imported)) == ("manifest", ["b", "c"])
    assert imported.requires_python == ">=3.11"
    pypm = write(tmp_path, "pypm.toml", '[tool.ppm]\ndependencies = ["b"]\n')
    assert texts(pypm) == ["b"]


def test_a_lock_file_gives_pins_with_hashes_and_its_files(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "wheels", "tin-can", "1.0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    package = LockedPackage(
        name="tin-can",
        version="1.0",
        index="",
        extras=(),
        groups=("",),
        requires_python="",
        dependencies=(),
        files=(
            LockedFile(
                filename=wheel.name,
                url=f"wheels/{wheel.name}",
                sha256=digest,
                size=wheel.stat().st_size,
                kind="wheel",
            ),
        ),
    )
    (tmp_path / "pylock.ci.toml").write_bytes(render_pylock([package]))
    imported = requirements_from(tmp_path / "pylock.ci.toml")
    assert (imported.kind, texts(imported)) == ("pylock", ["tin-can==1.0"])
    assert imported.requirements[0].hashes == (f"sha256:{digest}",)
    assert imported.locked[0].files[0].url == wheel.as_uri()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("environment.yml", "dependencies: []\n"),
        ("Pipfile", "[packages]\n"),
        ("poetry.lock", ""),
        ("setup.py", "import setuptools\n"),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflask = '^3'\n"),
        ("data.json", "{}"),
    ],
)
def test_other_files_are_refused_with_a_hint(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(RequirementError) as caught:
        write(tmp_path, name, text)
    assert caught.value.code == "UNSUPPORTED_FILE"
    assert caught.value.hint


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequirementError, match=r"gone\.txt cannot be read") as caught:
        requirements_from(tmp_path / "gone.txt")
    assert caught.value.code == "NO_SUCH_FILE"
