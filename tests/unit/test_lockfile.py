from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from packaging.markers import default_environment
from packaging.pylock import Pylock
from support.wheels import build_wheel

from ppm.engine.errors import ProjectError
from ppm.engine.lockfile import parse_pylock, render_pylock, render_target_pylock, target_marker
from ppm.engine.lockfile_entries import group_marker
from ppm.engine.lockfile_reader import PylockFile, read_pylock
from ppm.engine.target import Target
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

UV = Path(sysconfig.get_path("scripts")) / "uv"


def target(platform: str, machine: str, version: str = "3.11") -> Target:
    names = {"linux": ("posix", "Linux"), "win32": ("nt", "Windows")}
    interpreter = "cp" + version.replace(".", "")
    wheels = {"linux": f"manylinux_2_17_{machine}", "win32": "win_amd64"}[platform]
    return Target(
        name=f"{platform}-{machine}-py{version}",
        python_full_version=f"{version}.4",
        markers={
            **cast("dict[str, str]", default_environment()),
            "implementation_name": "cpython",
            "os_name": names[platform][0],
            "platform_machine": machine,
            "platform_system": names[platform][1],
            "python_full_version": f"{version}.4",
            "python_version": version,
            "sys_platform": platform,
        },
        tags=(f"{interpreter}-{interpreter}-{wheels}", "py3-none-any"),
    )


LINUX = target("linux", "x86_64")
WINDOWS = target("win32", "AMD64")


def file(filename: str, *, size: int = 10) -> LockedFile:
    return LockedFile(
        filename=filename,
        url=f"https://files.example/packages/{filename.replace('+', '%2B')}",
        sha256=hashlib.sha256(filename.encode()).hexdigest(),
        size=size,
        kind="wheel" if filename.endswith(".whl") else "sdist",
    )


def package(name: str, version: str = "1.0", **fields: Any) -> LockedPackage:
    stem = f"{name.replace('-', '_')}-{version}"
    return msgspec.structs.replace(
        LockedPackage(
            name=name,
            version=version,
            index="https://index.example/simple/",
            extras=(),
            groups=("",),
            requires_python="",
            dependencies=(),
            files=(file(f"{stem}-py3-none-any.whl"), file(f"{stem}.tar.gz")),
        ),
        **fields,
    )


WEB = package(
    "tin-can",
    "1.0+cu121",
    extras=("fast",),
    groups=("", "dev"),
    requires_python="!=3.9.*,>=3.8",
    dependencies=("Idna<4,>=2.5", "string[x]"),
)
LOCK = [
    WEB,
    package("idna", groups=("", "dev", "extra:web")),
    package("string", groups=("extra:web", "dev")),
    package("solo", groups=("extra:b", "extra:a")),
]


def refused(text: str, code: str = "LOCK_INVALID", on: Target = LINUX) -> list[str]:
    with pytest.raises(ProjectError) as caught:
        parse_pylock(text.encode(), on)
    assert caught.value.code == code
    assert caught.value.hint
    if code == "LOCK_INVALID":
        assert caught.value.hint == "remove pylock.toml and run `ppm lock`, or restore it"
    return [line.strip() for line in caught.value.message.splitlines()]


def one(text: str, head: str = "") -> str:
    """A lock of any tool with one package ``a`` of which ``text`` is the rest."""
    return f'lock-version = "1.0"\ncreated-by = "other"\n{head}[[packages]]\nname = "a"\n{text}\n'


WHEEL = (
    'wheels = [{url = "https://files.example/a-1.0-py3-none-any.whl", '
    f'hashes = {{sha256 = "{"0" * 64}"}}}}]\n'
)


def test_the_bytes_of_a_lock_are_these() -> None:
    data = render_pylock([package("solo", groups=("extra:b",)), WEB], requires_python=">=3.11")
    digests = {one.filename: one.sha256 for one in (*WEB.files, *package("solo").files)}
    assert (
        data.decode()
        == f"""\
lock-version = "1.0"
requires-python = ">=3.11"
extras = ["b"]
dependency-groups = ["dev"]
created-by = "ppm"

[[packages]]
name = "solo"
version = "1.0"
marker = "'b' in extras"
index = "https://index.example/simple/"
sdist = {{url = "https://files.example/packages/solo-1.0.tar.gz", size = 10, hashes = \
{{sha256 = "{digests["solo-1.0.tar.gz"]}"}}}}
wheels = [
    {{url = "https://files.example/packages/solo-1.0-py3-none-any.whl", size = 10, hashes = \
{{sha256 = "{digests["solo-1.0-py3-none-any.whl"]}"}}}},
]
[packages.tool.ppm]
groups = ["extra:b"]

[[packages]]
name = "tin-can"
version = "1.0+cu121"
requires-python = "!=3.9.*,>=3.8"
dependencies = [{{name = "idna"}}, {{name = "string"}}]
index = "https://index.example/simple/"
sdist = {{url = "https://files.example/packages/tin_can-1.0%2Bcu121.tar.gz", size = 10, hashes = \
{{sha256 = "{digests["tin_can-1.0+cu121.tar.gz"]}"}}}}
wheels = [
    {{url = "https://files.example/packages/tin_can-1.0%2Bcu121-py3-none-any.whl", size = 10, \
hashes = {{sha256 = "{digests["tin_can-1.0+cu121-py3-none-any.whl"]}"}}}},
]
[packages.tool.ppm]
extras = ["fast"]
groups = ["", "dev"]
dependencies = ["Idna<4,>=2.5", "string[x]"]
"""
    )


def test_our_own_lock_is_valid_and_reads_back_without_loss() -> None:
    data = render_pylock(LOCK, requires_python=">=3.11", extras=["a", "b", "web"])
    Pylock.from_dict(tomllib.loads(data.decode())).validate()
    assert parse_pylock(data, LINUX) == tuple(sorted(LOCK, key=lambda one: one.name))
    assert render_pylock(LOCK[::-1], requires_python=">=3.11", extras=["web", "b", "a"]) == data
    assert read_pylock(data, LINUX) == PylockFile(
        created_by="ppm",
        requires_python=">=3.11",
        extras=("a", "b", "web"),
        dependency_groups=("dev",),
        targets=(),
        packages=parse_pylock(data, LINUX),
        warnings=(),
    )


def test_an_empty_lock_says_so() -> None:
    data = render_pylock([])
    assert tomllib.loads(data.decode()) == {
        "lock-version": "1.0",
        "extras": [],
        "dependency-groups": [],
        "created-by": "ppm",
        "packages": [],
    }
    assert parse_pylock(data, LINUX) == ()


def test_the_group_marker_is_one_any_installer_follows() -> None:
    assert group_marker(("",)) == group_marker(("dev", "")) == group_marker(()) == ""
    assert group_marker(("extra:web", "dev")) == "'dev' in dependency_groups or 'web' in extras"
    data = render_pylock(LOCK)
    lock = Pylock.from_dict(tomllib.loads(data.decode()))

    def names(
        extras: list[str] | None = None, dependency_groups: list[str] | None = None
    ) -> list[str]:
        selection = lock.select(extras=extras, dependency_groups=dependency_groups)
        return [found.name for found, _ in selection]

    assert names() == ["idna", "tin-can"]
    assert names(extras=["a"]) == ["idna", "solo", "tin-can"]
    assert names(extras=["web"]) == ["idna", "string", "tin-can"]
    assert names(dependency_groups=["dev"]) == ["idna", "string", "tin-can"]


def test_text_is_escaped_and_odd_file_names_are_named() -> None:
    strange = package(
        "a",
        dependencies=('b ; x == "\\\x7f\té"',),
        files=(
            msgspec.structs.replace(
                file("a-1.0-py3-none-any.whl"), url="https://files.example/get?id=7", size=0
            ),
        ),
    )
    (read,) = parse_pylock(render_pylock([strange, package("b")])[:], LINUX)[:1]
    assert read == strange


def test_credentials_never_reach_the_lock() -> None:
    secret = "https://user:hunter2@index.example/simple/"
    files = (
        msgspec.structs.replace(
            file("a-1.0-py3-none-any.whl"),
            url="https://user:hunter2@files.example/a-1.0-py3-none-any.whl",
        ),
    )
    assert b"hunter2" not in render_pylock([package("a", index=secret, files=files)])
    text = one(f'version = "1.0"\nindex = "{secret}"\n{WHEEL}')
    (read,) = parse_pylock(text.replace("files.ex", "me:hunter2@files.ex").encode(), LINUX)
    assert "hunter2" not in repr(read)


def test_targets_that_differ_are_told_apart_by_markers() -> None:
    common = package("common", dependencies=("both>=1",))
    linux = [common, package("both", "1.0"), package("only-linux", groups=("dev",))]
    windows = [common, package("both", "2.0", dependencies=("common",))]
    data = render_target_pylock(
        {LINUX.name: linux, WINDOWS.name: windows}, [WINDOWS, LINUX], requires_python=">=3.11"
    )
    document = tomllib.loads(data.decode())
    Pylock.from_dict(document).validate()
    assert [one["name"] for one in document["packages"]] == ["both", "both", "common", "only-linux"]
    assert len(document["environments"]) == 2
    markers = [one.get("marker") for one in document["packages"]]
    assert markers[2] is None
    assert markers[3] == f"{markers[0]} and 'dev' in dependency_groups"
    assert document["packages"][2]["dependencies"] == [
        {"name": "both", "version": "1.0", "marker": markers[0]},
        {"name": "both", "version": "2.0", "marker": markers[1]},
    ]
    by_name = {one.name: one for one in parse_pylock(data, LINUX)}
    assert by_name == {one.name: one for one in linux}
    assert {one.name: one for one in parse_pylock(data, WINDOWS)} == {
        one.name: one for one in windows
    }
    assert read_pylock(data, LINUX).targets == (LINUX.name, WINDOWS.name)
    refused(data.decode(), "LOCK_NOT_FOR_TARGET", on=target("linux", "aarch64"))


def test_a_lock_for_other_pythons_is_told_from_a_broken_one() -> None:
    text = one(f'version = "1.0"\n{WHEEL}', 'requires-python = ">=3.12"\n')
    assert refused(text, "LOCK_NOT_FOR_TARGET") == [
        "pylock.toml is for Python >=3.12, this is 3.11.4"
    ]


def test_groups_of_a_foreign_lock_come_from_its_markers() -> None:
    text = """\
lock-version = "1.0"
created-by = "other"
extras = ["web"]
dependency-groups = ["Dev_Tools"]
default-groups = ["main"]
packages = [
  {name = "a", version = "1.0", marker = "'main' in dependency_groups or 'web' in extras", WHEEL},
  {name = "a", version = "2.0", marker = "sys_platform == 'win32'", WHEEL},
  {name = "b", version = "1.0", marker = "'Dev_Tools' in dependency_groups", WHEEL},
  {name = "c", version = "1.0", WHEEL},
  {name = "d", version = "1.0", marker = "'web' in extras and sys_platform == 'win32'", WHEEL},
]
"""
    lines = []
    for line in text.splitlines():
        name, version = (line.split('"')[1], line.split('"')[3]) if "WHEEL" in line else ("", "")
        wheel = WHEEL.strip().replace("a-1.0", f"{name}-{version}")
        lines.append(line.replace("WHEEL", wheel))
    found = parse_pylock("\n".join(lines).encode(), LINUX)
    assert [(one.name, one.version, one.groups) for one in found] == [
        ("a", "1.0", ("", "extra:web")),
        ("b", "1.0", ("dev-tools",)),
        ("c", "1.0", ("",)),
    ]


def test_what_ppm_noted_counts_only_where_the_standard_keys_agree() -> None:
    data = render_pylock([package("a", dependencies=("b<2",), groups=("dev",)), package("b")])
    text = data.decode()
    assert parse_pylock(text.encode(), LINUX)[0].dependencies == ("b<2",)
    edited = text.replace("marker = \"'dev' in dependency_groups\"\n", "")
    assert parse_pylock(edited.encode(), LINUX)[0].groups == ("",)
    edited = text.replace('dependencies = [{name = "b"}]\n', "")
    assert parse_pylock(edited.encode(), LINUX)[0].dependencies == ()
    read = read_pylock(text.replace('\ngroups = ["dev"]', "\ngroups = 7").encode(), LINUX)
    assert read.packages[0].groups == ("dev",)
    assert read.packages[0].dependencies == ("b",)
    assert "packages[0].tool.ppm: ignored" in read.warnings[0]


def test_archives_and_locks_without_versions_are_read() -> None:
    hashes = f'hashes = {{sha256 = "{"0" * 64}"}}'
    archive = f'archive = {{url = "https://files.example/a-1.5.tar.gz", {hashes}}}'
    (found,) = parse_pylock(one(archive).encode(), LINUX)
    assert (found.version, found.files[0].kind, found.files[0].filename) == (
        "1.5",
        "sdist",
        "a-1.5.tar.gz",
    )
    assert parse_pylock(one(WHEEL).encode(), LINUX)[0].version == "1.0"
    (problem,) = refused(one(archive.replace("a-1.5.tar.gz", "main.zip")))[1:]
    assert "main.zip cannot be installed from: it is neither a .whl nor a .tar.gz" in problem
    assert found.source == "https://files.example/a-1.5.tar.gz"


def test_the_project_itself_is_left_out_and_later_minor_versions_are_read() -> None:
    text = one('directory = {path = ".", editable = true}').replace('"1.0"', '"1.1"')
    read = read_pylock(text.encode(), LINUX)
    assert read.packages == ()
    assert read.warnings == (
        "lock-version 1.1 is newer than 1.0: unknown keys ignored",
        "packages[0]: the project itself (a) is left out",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lock-version = 1.0\n[", "is not TOML"),
        ('created-by = "x"\npackages = []\n', "lock-version"),
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "2.0 is not supported"),
        ('lock-version = "1.0"\ncreated-by = "x"\n', "packages"),
        (one(f'version = "2.0"\n{WHEEL}'), "not consistent"),
        (one(WHEEL).replace('name = "a"', 'name = "A"'), "not normalized"),
        (one(WHEEL.replace("sha256 =", "md5 =")), "packages[0].wheels[0].hashes: has no SHA-256"),
        (one(WHEEL.replace(f'sha256 = "{"0" * 64}"', "")), "At least one hash"),
        (one(f'directory = {{path = "x"}}\n{WHEEL}'), "None of vcs, directory, archive"),
        (one('directory = {path = "lib"}'), "installed from a folder"),
        (one('vcs = {type = "git", url = "https://git.example/a", commit-id = "0"}'), "repository"),
        (one(f'requires-python = ">=3.12"\n{WHEEL}'), "does not satisfy"),
        (one(f"marker = \"extra == 'x'\"\n{WHEEL}"), "plain install"),
        (one(WHEEL.replace("py3-none-any", "cp39-cp39-win_amd64")), "No wheel found"),
        (
            one(
                f"marker = \"'x' in extras and 'y' in extras\"\n{WHEEL}",
                'extras = ["x", "y"]\n',
            ),
            "needs several extras or groups at once",
        ),
        (
            one(
                f'marker = "\'x\' in extras"\n{WHEEL}[[packages]]\nname = "a"\n'
                f"marker = \"'y' in extras\"\n{WHEEL}",
                'extras = ["x", "y"]\n',
            ),
            "stands here in several versions",
        ),
        (one(f'{WHEEL}[[packages]]\nname = "a"\n{WHEEL}'), "Multiple packages"),
    ],
)
def test_bad_locks_are_refused(text: str, words: str) -> None:
    assert words in "\n".join(refused(text))


def test_every_problem_of_a_lock_is_told_at_once() -> None:
    bad = one(WHEEL.replace("a-1.0", "b-1.0"), 'requires-python = "x"\n')
    bad += f'[[packages]]\nname = "c"\n{WHEEL}[[packages]]\nname = "d"\n'
    lines = refused(bad)
    assert len(lines) == 5
    assert "'requires-python'" in lines[1]
    assert [f"'packages[{place}]" in lines[place + 2] for place in range(3)] == [True] * 3


@pytest.fixture
def wheels(tmp_path: Path) -> list[LockedPackage]:
    """Two real wheels beside the lock, the first needing the second."""
    packages = []
    for name, requires in (("tin-can", ["string>=1"]), ("string", [])):
        path = build_wheel(tmp_path / "wheels", name, "1.0", requires=requires)
        local = LockedFile(
            filename=path.name,
            url=f"wheels/{path.name}",
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            size=path.stat().st_size,
            kind="wheel",
        )
        packages.append(package(name, index="", dependencies=tuple(requires), files=(local,)))
    return packages


def installer(tmp_path: Path, *command: str | Path) -> str:
    answer = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout + answer.stderr


def test_uv_accepts_our_lock(tmp_path: Path, wheels: list[LockedPackage]) -> None:
    (tmp_path / "pylock.toml").write_bytes(render_pylock(wheels, requires_python=">=3.11"))
    told = installer(
        tmp_path,
        *(UV, "pip", "install", "--dry-run", "--offline", "--no-cache", "--target", "site"),
        *("--python", sys.executable, "-r", "pylock.toml"),
    )
    assert "+ string==1.0" in told
    assert "+ tin-can==1.0" in told


def test_pip_accepts_our_lock(tmp_path: Path, wheels: list[LockedPackage]) -> None:
    (tmp_path / "pylock.toml").write_bytes(render_pylock(wheels, requires_python=">=3.11"))
    told = installer(
        tmp_path,
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--target", "site", "--no-index"),
        *("-r", "pylock.toml"),
    )
    assert "Would install string-1.0 tin-can-1.0" in told


def test_a_lock_that_pip_made_is_read(tmp_path: Path, wheels: list[LockedPackage]) -> None:
    installer(
        tmp_path,
        *(sys.executable, "-m", "pip", "lock", "--no-index", "--find-links", "wheels", "tin-can"),
    )
    found = parse_pylock((tmp_path / "pylock.toml").read_bytes())
    assert [(one.name, one.version, one.groups) for one in found] == [
        ("string", "1.0", ("",)),
        ("tin-can", "1.0", ("",)),
    ]
    assert {one.files[0].sha256 for one in found} == {one.files[0].sha256 for one in wheels}


def test_a_lock_that_uv_made_is_read(tmp_path: Path, wheels: list[LockedPackage]) -> None:
    (tmp_path / "in.txt").write_text("tin-can\n")
    installer(
        tmp_path,
        *(UV, "pip", "compile", "--offline", "--no-cache", "--no-index", "--find-links", "wheels"),
        *("--python", sys.executable, "--format", "pylock.toml", "-o", "pylock.toml", "in.txt"),
    )
    found = parse_pylock((tmp_path / "pylock.toml").read_bytes())
    assert [(one.name, one.version) for one in found] == [("string", "1.0"), ("tin-can", "1.0")]
    assert {one.files[0].sha256 for one in found} == {one.files[0].sha256 for one in wheels}


def test_of_several_wheels_the_one_that_fits_the_target_is_taken() -> None:
    names = [f"a-1.0-{tags}.whl" for tags in (*WINDOWS.tags[:1], *LINUX.tags[:1], "cp39-cp39-any")]
    both = package("a", files=tuple(file(name) for name in (*names, "a-1.0.tar.gz")))
    data = render_pylock([both])
    for target_, name in ((LINUX, names[1]), (WINDOWS, names[0])):
        (found,) = parse_pylock(data, target_)
        assert [one.filename for one in found.files] == [name, "a-1.0.tar.gz"]


def test_a_version_is_one_table_and_tells_what_each_target_has_of_it() -> None:
    tags = (LINUX.tags[0], WINDOWS.tags[0])
    wheels = [(file(f"a-1.0-{tag}.whl"),) for tag in tags]
    needs = package("b", groups=("extra:web",), files=(file("b-1.0-py3-none-any.whl"),))
    linux = [package("a", files=wheels[0], groups=("dev",)), needs]
    windows = [package("a", files=wheels[1], dependencies=("b>=1",), extras=("x",)), needs]
    data = render_target_pylock({LINUX.name: linux, WINDOWS.name: windows}, [LINUX, WINDOWS])
    first, second = tomllib.loads(data.decode())["packages"]
    assert [one["url"].rpartition("/")[2] for one in first["wheels"]] == [
        file_.filename for (file_,) in wheels
    ]
    on_linux, on_windows = map(target_marker, (LINUX, WINDOWS))
    assert first["marker"] == f"({on_windows}) or ({on_linux} and 'dev' in dependency_groups)"
    assert first["dependencies"] == [{"name": "b"}]
    assert first["tool"]["ppm"] == {
        "targets": {
            LINUX.name: {
                "extras": [],
                "groups": ["dev"],
                "dependencies": [],
                "files": [wheels[0][0].filename],
            },
            WINDOWS.name: {
                "extras": ["x"],
                "groups": [""],
                "dependencies": ["b>=1"],
                "files": [wheels[1][0].filename],
            },
        }
    }
    assert second["marker"] == "'web' in extras"
    assert second["tool"]["ppm"] == {"groups": ["extra:web"]}
    assert list(parse_pylock(data, LINUX)) == linux
    assert list(parse_pylock(data, WINDOWS)) == windows
