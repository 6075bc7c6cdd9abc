from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.model import Backend, Manifest, Preference, Settings
from ppm.engine.manifest.read import (
    check_requirements,
    find_project,
    manifest_digest,
    manifest_path,
    parse_manifest,
    read_manifest,
)

PYPROJECT = """\
[project]
name = "Tin.Can"
version = "1"
requires-python = ">=3.11"
dependencies = ["Flask_Login>=1 ; python_version < '4'", "b[x]"]
[project.optional-dependencies]
Web_UI = ["flask"]
all = ["tin-can[web-ui]"]
[dependency-groups]
test = ["pytest>=8", {include-group = "Typ_ing"}]
typ-ing = ["mypy"]
[tool.ppm]
python = "^3.10"
"""


def pyproject(text: str) -> Manifest:
    return parse_manifest(text.encode(), file_name="pyproject.toml", directory=Path("/some/folder"))


def pypm(text: str, folder: str = "/some/folder") -> Manifest:
    return parse_manifest(text.encode(), file_name="pypm.toml", directory=Path(folder))


def problems(text: str, file_name: str = "pyproject.toml") -> list[str]:
    with pytest.raises(ProjectError) as caught:
        parse_manifest(text.encode(), file_name=file_name, directory=Path("/some/folder"))
    assert caught.value.code == "MANIFEST_INVALID"
    assert caught.value.hint
    return [line.strip() for line in caught.value.message.splitlines()[1:]]


def test_a_pyproject_is_read_with_every_requirement_in_its_declaring_group() -> None:
    manifest = pyproject(PYPROJECT)
    assert (manifest.name, manifest.path) == ("tin-can", "pyproject.toml")
    assert manifest.requires_python == ">=3.11,>=3.10,<4.0"
    assert manifest.sha256 == sha256(PYPROJECT.encode()).hexdigest()
    assert [(one.group, one.name, one.requirement) for one in manifest.requirements] == [
        ("test", "pytest", "pytest>=8"),
        ("typ-ing", "mypy", "mypy"),
        ("", "flask-login", "Flask_Login>=1 ; python_version < '4'"),
        ("", "b", "b[x]"),
        ("extra:web-ui", "flask", "flask"),
        ("extra:all", "tin-can", "tin-can[web-ui]"),
    ]
    assert manifest.groups == ("test", "typ-ing", "extra:web-ui", "extra:all")
    assert [(one.group, one.included, one.position) for one in manifest.includes] == [
        ("test", "typ-ing", 1)
    ]


def test_a_pypm_toml_says_the_same_below_tool_ppm() -> None:
    manifest = pypm(
        '[tool.ppm]\ndependencies = ["a"]\n'
        '[tool.ppm.dependency-groups]\ndev = ["b"]\n'
        '[tool.ppm.optional-dependencies]\nx = ["c"]\n',
        folder="/home/someone/My Projekt é",
    )
    assert manifest.name == "my-projekt"
    assert [(one.group, one.requirement) for one in manifest.requirements] == [
        ("", "a"),
        ("dev", "b"),
        ("extra:x", "c"),
    ]


def test_the_settings_example_means_what_it_says() -> None:
    # The last two keys belong to the table above them, an empty line ends no table in TOML.
    settings = pypm(
        """
[tool.ppm]
python = "^3.10"
default_gpu = "auto"

[tool.ppm.backends]
cpu.index = "https://index.example/whl/cpu"
cu121.index = "https://index.example/whl/cu121"
cu122.index = "https://index.example/whl/cu122"

torch_prefer = "2.4.*"
transformers_prefer = "4.43.*"
"""
    ).settings
    assert settings == Settings(
        python=">=3.10,<4.0",
        default_gpu="auto",
        backends=(
            Backend(name="cpu", index="https://index.example/whl/cpu"),
            Backend(name="cu121", index="https://index.example/whl/cu121"),
            Backend(name="cu122", index="https://index.example/whl/cu122"),
        ),
        preferences=(
            Preference(name="torch", specifier="==2.4.*"),
            Preference(name="transformers", specifier="==4.43.*"),
        ),
    )


def test_settings_are_read_from_a_pyproject_without_project_in_either_spelling() -> None:
    manifest = pyproject(
        '[tool.ppm]\nlink-mode = "copy"\nindex_url = "https://index.example/simple/"\n'
        'scikit_learn_prefer = "1.5"\n[tool.ppm.ledger]\nshared = true\n'
    )
    assert manifest.name == "folder"
    assert manifest.settings == Settings(
        link_mode="copy",
        index_url="https://index.example/simple/",
        preferences=(Preference(name="scikit-learn", specifier="==1.5.*"),),
        ledger_shared=True,
    )


def test_unknown_settings_are_warnings_with_the_nearest_known_one() -> None:
    manifest = pypm(
        '[tool.ppm]\npyhton = "3"\nzebra = 1\n[tool.ppm.ledger]\nsharde = true\n'
        '[tool.ppm.backends.cpu]\nindex = "https://index.example"\nindexx = ""\n'
    )
    assert set(manifest.warnings) == {
        "tool.ppm.backends.cpu.indexx: unknown setting, ignored; did you mean 'index'?",
        "tool.ppm.pyhton: unknown setting, ignored; did you mean 'python'?",
        "tool.ppm.zebra: unknown setting, ignored",
        "tool.ppm.ledger.sharde: unknown setting, ignored; did you mean 'shared'?",
    }
    assert manifest.settings.backends == (Backend(name="cpu", index="https://index.example"),)


def test_every_problem_is_told_at_once_with_its_dotted_path() -> None:
    assert problems(
        """
[project]
name = "-bad-"
dynamic = ["version", "name"]
version = "1"
requires-python = "three"
dependencies = ["ok", 7, ">=1", {include-group = "x"}]
[project.optional-dependencies]
web = "flask"
[dependency-groups]
dev = [{include-group = "nowhere"}, {include = "x"}]
Dev = []
[tool.ppm]
python = "3.10 || 3.11"
link-mode = "symlink"
default_gpu = 12
dependencies = ["x"]
x_prefer = ["1"]
[tool.ppm.backends]
cpu = {}
cu121 = "https://index.example"
cu122 = {index = 1}
[tool.ppm.ledger]
shared = "yes"
"""
    ) == [
        "tool.ppm.dependencies: belongs outside [tool.ppm] in a pyproject.toml",
        "tool.ppm.python: alternatives (||) cannot be written as one specifier",
        "tool.ppm.link_mode: must be one of auto, reflink, hardlink, copy",
        "tool.ppm.default_gpu: must be text, is a number",
        "tool.ppm.backends.cpu: has no index",
        "tool.ppm.backends.cu121: must be a table, is text",
        "tool.ppm.backends.cu122.index: must be text, is a number",
        "tool.ppm.x_prefer: must be text, is an array",
        "tool.ppm.ledger.shared: must be true or false, is text",
        "dependency-groups.dev[1]: must be text or {include-group = NAME}",
        "dependency-groups.Dev: is the same as dependency-groups.dev",
        "project.dynamic: may not hold 'name'",
        "project.version: is both given and listed as dynamic",
        "project.dependencies[1]: must be a requirement as text",
        "project.dependencies[2]: does not begin with the name of a package",
        "project.dependencies[3]: must be a requirement as text",
        "project.optional-dependencies.web: must be an array, is text",
        "project.requires-python: is not a version specifier",
        "project.name: is not a valid name: letters, digits, '-', '_' and '.' only",
        "dependency-groups.dev: includes nowhere, which is not declared",
    ]


def test_values_of_settings_never_stand_in_messages() -> None:
    words = problems('[tool.ppm]\nindex_url = ["https://user:hunter2@index.example"]', "pypm.toml")
    assert words == ["tool.ppm.index_url: must be text, is an array"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[project\n", "line 1"),
        (b"\xef\xbb\xbf[tool.ppm]\n", "byte order mark"),
        (b"a = '\xff'\n", "not UTF-8 at byte 5"),
    ],
)
def test_what_is_not_toml_is_named(data: bytes, words: str) -> None:
    with pytest.raises(ProjectError, match=words) as caught:
        parse_manifest(data, file_name="pypm.toml", directory=Path("/x"))
    assert caught.value.code == "MANIFEST_INVALID"


def test_cycles_of_groups_are_refused() -> None:
    assert problems(
        '[dependency-groups]\na = [{include-group = "b"}]\nb = [{include-group = "a"}]\n'
        'c = [{include-group = "c"}]\n'
    ) == [
        "dependency-groups.a: includes itself through b",
        "dependency-groups.b: includes itself through a",
        "dependency-groups.c: includes itself through c",
    ]


def test_requirements_are_checked_in_full_only_when_asked() -> None:
    manifest = pyproject('[project]\nname="a"\nversion="1"\ndependencies=["b>>1", "c<1", "d; x"]')
    with pytest.raises(ProjectError) as caught:
        check_requirements(manifest)
    assert caught.value.code == "MANIFEST_INVALID"
    assert "'b>>1'" in caught.value.message
    assert "'d; x'" in caught.value.message
    assert "'c<1'" not in caught.value.message


def test_reading_loads_no_requirement_parser(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    script = (
        "import sys; from pathlib import Path\n"
        "from ppm.engine.manifest.read import read_manifest\n"
        "read_manifest(Path(sys.argv[1]))\n"
        "heavy = {'packaging', 'tomlkit', 'difflib', 'email', 'http', 'urllib.request'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "pyproject.toml")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == ""


def test_the_nearest_ppm_folder_wins_over_nearer_manifests(tmp_path: Path) -> None:
    member = tmp_path / "root" / "packages" / "member"
    member.mkdir(parents=True)
    (member / "pyproject.toml").touch()
    home = tmp_path / "home" / ".ppm"
    assert find_project(member, ppm_home=home).path == member
    assert not find_project(member, ppm_home=home).initialized
    (tmp_path / "root" / ".ppm").mkdir()
    found = find_project(member, ppm_home=home)
    assert (found.path, found.initialized) == (tmp_path / "root", True)


def test_the_home_of_ppm_makes_no_project_of_the_home_directory(tmp_path: Path) -> None:
    home = tmp_path / "person" / ".ppm"
    project = tmp_path / "person" / "work"
    home.mkdir(parents=True)
    project.mkdir()
    with pytest.raises(ProjectError) as caught:
        find_project(project, ppm_home=home)
    assert caught.value.code == "NO_PROJECT"
    (project / "pypm.toml").touch()
    assert find_project(project, ppm_home=home).path == project


def test_pypm_toml_is_the_manifest_where_both_are(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        manifest_path(tmp_path)
    assert caught.value.code == "NO_MANIFEST"
    (tmp_path / "pyproject.toml").touch()
    assert manifest_path(tmp_path).name == "pyproject.toml"
    (tmp_path / "pypm.toml").write_bytes(b"[tool.ppm]\n")
    assert manifest_path(tmp_path).name == "pypm.toml"
    digest = manifest_digest(tmp_path / "pypm.toml")
    assert digest == sha256(b"[tool.ppm]\n").hexdigest()
    assert read_manifest(tmp_path / "pypm.toml").sha256 == digest


def test_a_manifest_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read_manifest(tmp_path / "pypm.toml")
    assert caught.value.code == "MANIFEST_UNREADABLE"


def test_a_backends_name_can_end_a_targets_name() -> None:
    settings = pypm(
        '[tool.ppm.backends]\n"rocm6.2".index = "https://index.example/rocm"\n'
    ).settings
    assert settings.backends == (Backend(name="rocm6.2", index="https://index.example/rocm"),)
    for name in ("cu-121", "CU121", "auto", "ü"):
        with pytest.raises(ProjectError, match=r"tool\.ppm\.backends\."):
            pypm(f'[tool.ppm.backends]\n"{name}".index = "https://index.example/"\n')


def test_conflict_markers_are_told_for_what_they_are(tmp_path: Path) -> None:
    sides = b'<<<<<<< HEAD\nname = "a"\n=======\nname = "b"\n>>>>>>> theirs\n'
    (tmp_path / "pypm.toml").write_bytes(b"[tool.ppm]\n" + sides)
    with pytest.raises(ProjectError) as caught:
        read_manifest(tmp_path / "pypm.toml")
    assert caught.value.code == "MANIFEST_INVALID"
    assert "conflict markers in pypm.toml" in caught.value.hint
