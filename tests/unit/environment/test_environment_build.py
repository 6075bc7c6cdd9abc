from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.wheel_trees import with_file

from ppm.engine.environment.build import build
from ppm.engine.environment.files import LinkMode, Material
from ppm.engine.environment.generation import (
    Generation,
    generation_name,
    read_generation,
    read_inventory,
    venv_path,
)
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.switch import switch
from ppm.engine.environment.tree import read_tree, root_of, tree_root
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.hashing.cpu import CpuHasher

MakeMaterial = Callable[..., Material]
Run = Callable[..., str]
NOW = "2026-11-22T06:39:00.123456Z"
TOOL = {
    "files": {"tool/__init__.py": "def main():\n    print('tool runs')\n    return 0\n"},
    "entry_points": {
        "console_scripts": {"tool": "tool:main"},
        "gui_scripts": {"wtool": "tool:main"},
    },
}


def set_up(project: Path, interpreter: Interpreter, *materials: Material) -> Path:
    """Build and switch; the environment's path."""
    built = build(project, interpreter, materials)
    switch(project, built.generation.name, now=NOW)
    return project / ".venv"


def directory_of(project: Path, generation: Generation) -> Path:
    return project / ".ppm" / "envs" / generation.name


def site_of(venv: Path, interpreter: Interpreter) -> Path:
    return venv / interpreter.site_packages


def test_the_environment_is_a_virtual_environment(
    project: Path, interpreter: Interpreter, material: MakeMaterial, run: Run
) -> None:
    venv = set_up(project, interpreter, material("pkg"))
    code = "import sys, pkg; print(sys.prefix, sys.base_prefix, pkg.__version__, pkg.__file__)"
    expected = f"{venv} {interpreter.prefix} 1.0 {site_of(venv, interpreter)}/pkg/__init__.py\n"
    assert run(venv / "bin" / "python", "-c", code) == expected
    release = "{}.{}".format(*interpreter.release)
    assert run(venv / "bin" / f"python{release}", "-c", code) == expected
    assert run(venv / "bin" / "python3", "-c", code) == expected
    assert (venv / "lib64").readlink() == Path("lib")


def test_it_works_for_interpreters_of_other_versions(
    project: Path, other_interpreter: Interpreter, material: MakeMaterial, run: Run
) -> None:
    venv = set_up(project, other_interpreter, material("tool", **TOOL))
    code = "import sys, tool; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    release = "{}.{}".format(*other_interpreter.release)
    assert run(venv / "bin" / "python", "-c", code) == f"{venv} {release}\n"
    assert run(venv / "bin" / "tool") == "tool runs\n"


@pytest.mark.parametrize("folder", ["plain", "with space", "l" * 120, "quo'te \\n $HOME"])
def test_scripts_run_wherever_the_project_lies(
    tmp_path: Path, interpreter: Interpreter, material: MakeMaterial, run: Run, folder: str
) -> None:
    project = tmp_path / folder
    project.mkdir()
    data = {
        "scripts/direct": "#!python\nimport sys\nprint('direct', sys.prefix)\n",
        "scripts/windowed": "#!pythonw\r\nprint('windowed')\n",
        "scripts/shell": "#!/bin/sh\necho shell\n",
    }
    venv = set_up(project, interpreter, material("tool", data=data, **TOOL))
    assert run(venv / "bin" / "tool") == "tool runs\n"
    assert run(venv / "bin" / "wtool") == "tool runs\n"
    assert run(venv / "bin" / "direct") == f"direct {venv}\n"
    assert run(venv / "bin" / "windowed") == "windowed\n"
    assert run(venv / "bin" / "shell") == "shell\n"


def test_scripts_name_the_stable_environment_not_the_generation(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    venv = set_up(project, interpreter, material("tool", **TOOL))
    first = (venv / "bin" / "tool").read_text().splitlines()[0]
    assert first == f"#!{project}/.venv/bin/python"


def test_only_the_marked_first_line_of_a_script_is_rewritten(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    texts = {"keep": "#!python3 -O\nprint(1)\n", "foo": "#!pythonfoo\n", "binary": b"\x7fELF\0\xff"}
    data = {f"scripts/{name}": text for name, text in texts.items()}
    venv = set_up(project, interpreter, material("tool", data=data))
    assert (venv / "bin" / "keep").read_text() == texts["keep"]
    assert (venv / "bin" / "foo").read_text() == texts["foo"]
    assert (venv / "bin" / "binary").read_bytes() == texts["binary"]


def test_scripts_can_be_executed_and_leave_the_store_alone(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    data = {"scripts/marked": "#!/bin/sh\n", "scripts/unmarked": "#!/bin/sh\n# not the same\n"}
    one = material("tool", data=data, executable=["scripts/marked"])
    venv = set_up(project, interpreter, one)
    assert os.access(venv / "bin" / "marked", os.X_OK)
    assert os.access(venv / "bin" / "unmarked", os.X_OK)
    stored = one.directory / "tool-1.0.data" / "scripts"
    assert stored.joinpath("unmarked").stat().st_mode & 0o777 == 0o444
    assert stored.joinpath("marked").samefile(venv / "bin" / "marked")


def test_data_schemes_go_to_their_folders(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    data = {
        "purelib/pure.py": "",
        "platlib/plat.py": "",
        "headers/tool.h": "int x;",
        "data/share/doc/tool.txt": "read me",
        "data/lib64/odd.txt": "odd",
    }
    venv = set_up(project, interpreter, material("Tool", data=data, purelib=False))
    site = site_of(venv, interpreter)
    release = "{}.{}".format(*interpreter.release)
    assert (site / "tool" / "__init__.py").exists()
    assert (site / "pure.py").exists()
    assert (site / "plat.py").exists()
    assert (venv / f"include/site/python{release}/tool/tool.h").read_text() == "int x;"
    assert (venv / "share" / "doc" / "tool.txt").read_text() == "read me"
    assert (venv / "lib" / "odd.txt").read_text() == "odd"
    assert not (site / "tool-1.0.data").exists()


@pytest.mark.parametrize(
    "path",
    [
        "tool-1.0.data/bogus/x",
        "tool-1.0.data/x",
        "tool-1.0.data/data/../../../escaped",
        "tool-1.0.data/data//etc/passwd",
        "../escaped",
        "/escaped",
        "tool/./x",
        "tool/",
        "tool/nul\0",
    ],
)
def test_a_path_that_belongs_nowhere_is_refused(
    project: Path, interpreter: Interpreter, material: MakeMaterial, path: str
) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        build(project, interpreter, [with_file(material("tool"), path)])
    assert caught.value.code == "UNSAFE_PATH"
    assert not (project / ".ppm").exists()


def test_byte_code_in_a_manifest_is_left_out(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    odd = with_file(material("tool"), "tool/__pycache__/tool.cpython-311.pyc")
    venv = set_up(project, interpreter, odd)
    assert not (site_of(venv, interpreter) / "tool" / "__pycache__").exists()


def test_the_record_names_every_file_with_its_digest(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    data = {"scripts/run": "#!python\n", "data/share/x,y.txt": "comma", "headers/a.h": ""}
    one = material("tool", data=data, requested=True, direct_url=b'{"url":"x"}', **TOOL)
    venv = set_up(project, interpreter, one)
    site = site_of(venv, interpreter)
    distribution = importlib.metadata.Distribution.at(site / "tool-1.0.dist-info")
    files = distribution.files
    assert files is not None
    for file in files:
        content = Path(file.locate()).read_bytes()
        if file.name == "RECORD":
            assert (file.hash, file.size) == (None, None)
            continue
        assert file.hash is not None
        assert file.size == len(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
        assert file.hash.value == digest.decode().rstrip("=")
    recorded = {str(file) for file in files}
    assert {"../../../bin/tool", "../../../bin/run", "../../../share/x,y.txt"} <= recorded
    inventory = {entry.path for entry in read_inventory(venv.resolve()) if entry.mode != "link"}
    prefix = f"{interpreter.site_packages}/"
    names = {os.path.normpath(prefix + path) for path in recorded}
    own = {"pyvenv.cfg", "bin/activate", "bin/activate.fish", "bin/activate.csh"}
    assert names == inventory - own
    assert [str(file) for file in files] == sorted(recorded)


def test_installed_distributions_say_how_they_came(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    shipped = {
        "asked/__init__.py": "",
        "asked-1.0.dist-info/INSTALLER": "somebody",
        "asked-1.0.dist-info/direct_url.json": "{}",
        "asked-1.0.dist-info/RECORD.jws": "old",
    }
    asked = material("asked", files=shipped, requested=True)
    linked = material("linked", direct_url=b'{"url":"file:///x","dir_info":{}}')
    venv = set_up(project, interpreter, asked, linked)
    site = site_of(venv, interpreter)
    found = {path.name for path in (site / "asked-1.0.dist-info").iterdir()}
    assert found == {"METADATA", "WHEEL", "RECORD", "INSTALLER", "REQUESTED"}
    assert (site / "asked-1.0.dist-info" / "INSTALLER").read_text() == "ppm\n"
    assert (site / "asked-1.0.dist-info" / "REQUESTED").read_bytes() == b""
    assert not (site / "linked-1.0.dist-info" / "REQUESTED").exists()
    text = (site / "linked-1.0.dist-info" / "direct_url.json").read_text()
    assert text == '{"url":"file:///x","dir_info":{}}'


def test_namespace_packages_merge(
    project: Path, interpreter: Interpreter, material: MakeMaterial, run: Run
) -> None:
    one = material("ns-one", files={"ns/one.py": "NAME = 1\n"})
    two = material("ns-two", files={"ns/two.py": "NAME = 2\n", "ns/deep/x.py": ""})
    venv = set_up(project, interpreter, one, two)
    code = "import ns.one, ns.two, ns.deep.x; print(ns.one.NAME, ns.two.NAME)"
    assert run(venv / "bin" / "python", "-c", code) == "1 2\n"


def test_the_same_bytes_at_one_path_are_no_conflict(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    one = material("ns-one", files={"ns/__init__.py": "same", "ns/one.py": ""})
    two = material("ns-two", files={"ns/__init__.py": "same", "ns/two.py": ""})
    venv = set_up(project, interpreter, one, two)
    for name in ("ns_one", "ns_two"):
        record = site_of(venv, interpreter) / f"{name}-1.0.dist-info" / "RECORD"
        assert "ns/__init__.py,sha256=" in record.read_text()


CONFLICTS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "bytes": ({"files": {"a/x.py": "1"}}, {"files": {"a/x.py": "2"}}),
    "file-and-folder": ({"files": {"a/x": "1"}}, {"files": {"a/x/y.py": "2"}}),
    "folder-and-file": ({"files": {"a/x/y.py": "2"}}, {"files": {"a/x": "1"}}),
    "launchers": (
        {"files": {"a.py": ""}, "entry_points": {"console_scripts": {"run": "a:b"}}},
        {"files": {"b.py": ""}, "entry_points": {"console_scripts": {"run": "b:b"}}},
    ),
    "activation": ({}, {"data": {"scripts/activate": "rm -rf /"}}),
    "configuration": ({}, {"data": {"data/pyvenv.cfg": "home = /elsewhere\n"}}),
    "lib64": ({}, {"data": {"data/lib64": "x"}}),
    "generation-record": ({}, {"data": {"data/.ppm-generation.json": "{}"}}),
    "files-record": ({}, {"data": {"data/.ppm-files.json": "[]"}}),
    "folder-of-a-record": ({}, {"data": {"data/.ppm-files.json/x": "x"}}),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_two_that_want_one_path_are_refused(
    project: Path, interpreter: Interpreter, material: MakeMaterial, case: str
) -> None:
    first, second = CONFLICTS[case]
    with pytest.raises(EnvironmentFailure, match=r"want ") as caught:
        build(project, interpreter, [material("first", **first), material("second", **second)])
    assert caught.value.code == "PATH_CONFLICT"
    assert "second" in caught.value.message
    assert not list((project / ".ppm").rglob("*.py"))


@pytest.mark.parametrize(
    "parts",
    [
        {"entry_points": {"console_scripts": {"python3": "evil:main"}}},
        {"entry_points": {"gui_scripts": {"ppm": "evil:main"}}},
        {"data": {"scripts/python": "#!/bin/sh\n"}},
        {"data": {"data/bin/pypm": "#!/bin/sh\n"}},
    ],
)
def test_a_package_may_not_bring_its_own_interpreter(
    project: Path, interpreter: Interpreter, material: MakeMaterial, parts: dict[str, object]
) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        build(project, interpreter, [material("evil", **parts)])
    assert caught.value.code == "SCRIPT_SHADOWS"


def test_an_entry_point_wins_over_a_script_of_its_name(
    project: Path, interpreter: Interpreter, material: MakeMaterial, run: Run
) -> None:
    venv = set_up(
        project, interpreter, material("tool", data={"scripts/tool": "#!python\n1/0"}, **TOOL)
    )
    assert run(venv / "bin" / "tool") == "tool runs\n"


def test_the_same_contents_make_the_same_generation(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    one, two = material("one"), material("two")
    first = build(project, interpreter, [one, two])
    second = build(project, interpreter, [two, one])
    assert first.fresh
    assert not second.fresh
    assert first.generation == second.generation


def test_the_name_depends_on_all_that_matters(
    tmp_path: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    package, other = material("one").package, material("one", "1.1").package
    asked = material("one", requested=True).package
    local = material("one", direct_url=b"{}").package
    here, there = tmp_path / "here" / ".venv", tmp_path / "there" / ".venv"
    names = [
        generation_name(interpreter, [package], "auto", here),
        generation_name(interpreter, [package], "copy", here),
        generation_name(interpreter, [package], "auto", there),
        generation_name(interpreter, [other], "auto", here),
        generation_name(interpreter, [asked], "auto", here),
        generation_name(interpreter, [local], "auto", here),
        generation_name(interpreter, [], "auto", here),
    ]
    assert len(set(names)) == len(names)
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)
    assert names[0] == generation_name(interpreter, [package], "auto", here)


def test_a_project_reached_through_a_link_has_the_same_generation(
    project: Path, interpreter: Interpreter, material: MakeMaterial, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(project)
    assert venv_path(link) == venv_path(project) == project / ".venv"
    first = build(project, interpreter, [material("pkg")])
    assert build(link, interpreter, [material("pkg")]).generation == first.generation


def test_a_generation_describes_itself(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    generation = build(
        project, interpreter, [material("pkg", requested=True), material("dep")]
    ).generation
    directory = directory_of(project, generation)
    assert read_generation(directory) == generation
    assert [(one.name, one.requested) for one in generation.packages] == [
        ("dep", False),
        ("pkg", True),
    ]
    assert generation.interpreter == interpreter.path
    assert generation.python == interpreter.version
    inventory = read_inventory(directory)
    assert generation.files == len(inventory)
    assert root_of(inventory) == generation.root


def test_the_root_is_that_of_the_bytes_on_the_disk(
    project: Path, interpreter: Interpreter, material: MakeMaterial, run: Run
) -> None:
    big = {"big/__init__.py": "", "big/data.bin": b"x" * 3_000_000, "big/näme ✓.txt": "ü"}
    generation = build(
        project, interpreter, [material("big", files=big), material("tool", **TOOL)]
    ).generation
    switch(project, generation.name, now=NOW)
    directory = directory_of(project, generation)
    assert tree_root(directory, CpuHasher()) == generation.root
    assert sorted(entry.path for entry in read_tree(directory, CpuHasher())) == sorted(
        entry.path for entry in read_inventory(directory)
    )
    run(project / ".venv" / "bin" / "python", "-c", "import tool, big")
    assert list(directory.rglob("__pycache__"))
    assert tree_root(directory, CpuHasher()) == generation.root


@pytest.mark.parametrize("damage", ["bytes", "mode", "missing", "added", "link", "pipe"])
def test_any_change_on_the_disk_changes_the_root(
    project: Path, interpreter: Interpreter, material: MakeMaterial, damage: str
) -> None:
    generation = build(project, interpreter, [material("pkg")], link_mode="copy").generation
    directory = directory_of(project, generation)
    file = directory / interpreter.site_packages / "pkg" / "__init__.py"
    if damage == "bytes":
        file.write_bytes(b"evil")
    elif damage == "mode":
        file.chmod(0o755)
    elif damage == "missing":
        file.unlink()
    elif damage == "added":
        file.with_name("more.pth").touch()
    elif damage == "link":
        (directory / "bin" / "python3").unlink()
        (directory / "bin" / "python3").symlink_to("/bin/sh")
    else:
        os.mkfifo(file.with_name("pipe"))
    assert tree_root(directory, CpuHasher()) != generation.root


@pytest.mark.parametrize("mode", ["auto", "hardlink"])
def test_files_are_linked_from_the_store(
    project: Path, interpreter: Interpreter, material: MakeMaterial, mode: LinkMode
) -> None:
    one = material("pkg")
    generation = build(project, interpreter, [one], link_mode=mode).generation
    file = directory_of(project, generation) / interpreter.site_packages / "pkg" / "__init__.py"
    assert generation.link_mode == "hardlink"
    assert file.samefile(one.directory / "pkg" / "__init__.py")


def test_copies_stand_alone_and_have_the_same_root(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    one = material(
        "pkg", files={"pkg/__init__.py": "1", "pkg/tool.sh": "2"}, executable=["pkg/tool.sh"]
    )
    linked = build(project, interpreter, [one]).generation
    copied = build(project, interpreter, [one], link_mode="copy").generation
    file = directory_of(project, copied) / interpreter.site_packages / "pkg" / "__init__.py"
    assert copied.link_mode == "copy"
    assert not file.samefile(one.directory / "pkg" / "__init__.py")
    assert linked.name != copied.name
    assert linked.root == copied.root
    assert os.access(file.with_name("tool.sh"), os.X_OK)


def test_another_file_system_is_copied_from_unless_links_were_asked_for(
    project: Path, interpreter: Interpreter, material: MakeMaterial, tmp_path: Path
) -> None:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to try with")
    one = material("pkg")
    store = shared_memory / f"ppm-test-{os.getpid()}"
    try:
        shutil.copytree(one.directory, store)
        elsewhere = Material(package=one.package, tree=one.tree, directory=store)
        generation = build(project, interpreter, [elsewhere]).generation
        assert generation.link_mode == "copy"
        assert tree_root(directory_of(project, generation), CpuHasher()) == generation.root
        for mode in ("hardlink", "reflink"):
            with pytest.raises(EnvironmentFailure) as caught:
                build(project, interpreter, [elsewhere], link_mode=mode)
            assert caught.value.code == "LINK_MODE"
    finally:
        shutil.rmtree(store)
    assert [path.name for path in (project / ".ppm" / "envs").iterdir()] == [generation.name]


def test_a_damaged_generation_is_put_right_in_place(
    project: Path, interpreter: Interpreter, material: MakeMaterial, run: Run
) -> None:
    one = material("pkg")
    venv = set_up(project, interpreter, one)
    (site_of(venv, interpreter) / "pkg" / "__init__.py").unlink()
    assert not build(project, interpreter, [one]).fresh
    assert build(project, interpreter, [one], anew=True).fresh
    assert run(venv / "bin" / "python", "-c", "import pkg; print(pkg.__version__)") == "1.0\n"
    assert len(list((project / ".ppm" / "envs").iterdir())) == 1


def test_a_generation_without_its_own_record_is_not_taken_for_whole(
    project: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    first = build(project, interpreter, [material("pkg")])
    directory = directory_of(project, first.generation)
    (directory / ".ppm-generation.json").unlink()
    assert read_generation(directory) is None
    again = build(project, interpreter, [material("pkg")])
    assert again.fresh
    assert read_generation(directory) == again.generation == first.generation
    assert [path.name for path in directory.parent.iterdir()] == [again.generation.name]


def test_activation_names_the_project_and_survives_its_name(
    tmp_path: Path, interpreter: Interpreter, material: MakeMaterial
) -> None:
    project = tmp_path / "it's $(touch hacked) `id`"
    project.mkdir()
    venv = set_up(project, interpreter, material("pkg"))
    script = '. "$1/bin/activate" && python -c "import sys; print(sys.prefix)" && deactivate'
    script += ' && echo "${VIRTUAL_ENV-gone}" && echo "$PATH"'
    for shell in ("sh", "bash"):
        done = subprocess.run(
            [shell, "-euc", script, shell, str(venv)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONHOME": ""},
        )
        assert done.stdout.splitlines() == [str(venv), "gone", "/usr/bin:/bin"], done.stderr
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(("shell", "name"), [("fish", "activate.fish"), ("tcsh", "activate.csh")])
def test_activation_in_other_shells(
    tmp_path: Path,
    interpreter: Interpreter,
    material: MakeMaterial,
    shell: str,
    name: str,
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    project = tmp_path / "it's $HOME !x"
    project.mkdir()
    venv = set_up(project, interpreter, material("pkg"))
    link = tmp_path / "link"
    link.symlink_to(venv)
    script = tmp_path / "script"
    lines = (f"source {link}/bin/{name}", "printenv VIRTUAL_ENV", "which python", "deactivate")
    script.write_text(
        "\n".join([*lines, "printenv PATH", "printenv PYTHONHOME", "printenv VIRTUAL_ENV"])
    )
    expected = [str(venv), f"{venv}/bin/python", os.environ["PATH"], "/p"]
    done = subprocess.run(
        [shell, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONHOME": "/p"},
    )
    assert done.stdout.splitlines() == expected, done.stderr


def test_uv_sees_the_same_packages_and_nothing_wrong(
    project: Path, interpreter: Interpreter, material: MakeMaterial, tmp_path: Path
) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None:
        pytest.skip("uv is not installed here")
    needs = material("needs", requires=["helper>=1"], requested=True)
    venv = set_up(project, interpreter, needs, material("helper", "1.2", purelib=False))
    environment = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(tmp_path / "uv")}
    for command, expected in (
        (["list", "--format", "freeze"], "helper==1.2\nneeds==1.0\n"),
        (["check"], ""),
    ):
        done = subprocess.run(
            [uv, "pip", *command, "-p", str(venv / "bin" / "python"), "--offline"],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert (done.returncode, done.stdout) == (0, expected), done.stderr


@pytest.mark.parametrize("link_mode", ["auto", "copy"])
def test_what_a_second_process_puts_there_is_what_was_planned(
    project: Path, interpreter: Interpreter, material: MakeMaterial, link_mode: LinkMode
) -> None:
    files = {f"many/part{number % 7}/m{number}.py": f"N = {number}\n" for number in range(1200)}
    built = build(project, interpreter, [material("many", files=files)], link_mode=link_mode)
    directory = directory_of(project, built.generation)
    assert built.generation.files > 1200
    assert tree_root(directory, CpuHasher()) == built.generation.root
    module = directory / interpreter.site_packages / "many" / "part3" / "m1004.py"
    assert module.read_text() == "N = 1004\n"
    assert (module.stat().st_nlink > 1) == (link_mode == "auto")
