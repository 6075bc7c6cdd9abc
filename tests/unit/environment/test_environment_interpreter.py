from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import packaging
import pytest
from packaging.markers import default_environment
from packaging.tags import sys_tags

from ppm.engine.environment.compatibility import linux_platforms
from ppm.engine.environment.interpreter import Interpreter, base_executable, current, probe
from ppm.engine.errors import EnvironmentFailure

WARM = """
import sys
from pathlib import Path
from ppm.engine.environment.interpreter import current
print(current(Path(sys.argv[1])).version)
print([name for name in ("packaging", "sysconfig", "subprocess") if name in sys.modules])
"""
ASK_PACKAGING = """
import json, sys
sys.path.insert(0, sys.argv[1])
from packaging.markers import default_environment
from packaging.tags import sys_tags
print(json.dumps([list(map(str, sys_tags())), default_environment()]))
"""


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_tags_and_markers_of_the_running_interpreter_are_those_of_packaging(
    interpreter: Interpreter,
) -> None:
    assert list(interpreter.target.tags) == [str(tag) for tag in sys_tags()]
    assert interpreter.target.markers == default_environment()


def test_tags_and_markers_of_another_version_are_those_packaging_finds_there(
    other_interpreter: Interpreter,
) -> None:
    folder = str(Path(packaging.__path__[0]).parent)
    answer = subprocess.run(
        [other_interpreter.path, "-I", "-c", ASK_PACKAGING, folder],
        capture_output=True,
        check=False,
    )
    if answer.returncode and other_interpreter.release < (3, 9):
        pytest.skip("this packaging does not run on that Python")
    tags, markers = json.loads(answer.stdout)
    assert list(other_interpreter.target.tags) == tags
    assert other_interpreter.target.markers == markers


def test_the_running_interpreter_is_its_base_not_the_environment(interpreter: Interpreter) -> None:
    assert interpreter.prefix == sys.base_prefix
    assert Path(interpreter.path).samefile(sys._base_executable)  # type: ignore[attr-defined]
    assert interpreter.version == sys.version.split()[0]
    release = "{}.{}".format(*sys.version_info)
    assert interpreter.site_packages == f"lib/python{release}/site-packages"
    assert interpreter.target.name.endswith(f"-py{release}")
    assert interpreter.abi_version == release


def test_a_warm_question_starts_no_process_and_imports_nothing_heavy(tmp_path: Path) -> None:
    current(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", WARM, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [sys.version.split()[0], "[]"]


def test_the_answer_is_asked_for_again_when_the_file_is_another_one(
    tmp_path: Path, interpreter: Interpreter, other_interpreter: Interpreter
) -> None:
    link = tmp_path / "python"
    link.symlink_to(interpreter.path)
    assert probe(link, tmp_path).version == interpreter.version
    link.unlink()
    link.symlink_to(other_interpreter.path)
    assert probe(link, tmp_path).version == other_interpreter.version


def test_a_memory_of_another_shape_is_asked_for_again(tmp_path: Path) -> None:
    version = current(tmp_path).version
    (memory,) = (tmp_path / "interpreters").iterdir()
    memory.write_bytes(b'{"fingerprint":')
    assert current(tmp_path).version == version


def test_the_key_is_one_for_all_names_of_an_interpreter(
    tmp_path: Path, interpreter: Interpreter, other_interpreter: Interpreter
) -> None:
    unversioned = Path(interpreter.path).with_name("python")
    assert probe(unversioned, tmp_path) == interpreter
    assert other_interpreter.key != interpreter.key


def test_an_environments_interpreter_leads_to_its_base(
    tmp_path: Path, interpreter: Interpreter
) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    inside = tmp_path / "env" / "bin" / "python"
    assert probe(inside, tmp_path).path == interpreter.path


def test_an_environment_whose_base_is_gone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").write_text(f"home = {tmp_path}/gone\n")
    with pytest.raises(EnvironmentFailure, match="is gone") as caught:
        base_executable(tmp_path / "env" / "bin" / "python")
    assert caught.value.code == "INTERPRETER_UNUSABLE"


def test_environments_that_name_each_other_are_refused(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").touch()
        (tmp_path / name / "pyvenv.cfg").write_text(f"home = {tmp_path / other / 'bin'}\n")
    with pytest.raises(EnvironmentFailure, match="round in circles"):
        base_executable(tmp_path / "one" / "bin" / "python")


def test_a_shim_is_not_remembered(tmp_path: Path, interpreter: Interpreter) -> None:
    shim = script(tmp_path / "shim", f'#!/bin/sh\nexec {interpreter.path} "$@"\n')
    assert probe(shim, tmp_path).path == interpreter.path
    assert not (tmp_path / "interpreters").exists()


@pytest.mark.parametrize(
    "text",
    ["#!/bin/sh\necho not json\n", "#!/bin/sh\necho broken >&2; exit 3\n", "#!/nowhere\n", "{}"],
    ids=["noise", "failure", "no-interpreter", "no-program"],
)
def test_what_is_no_python_is_refused(tmp_path: Path, text: str) -> None:
    path = script(tmp_path / "python3", text)
    with pytest.raises(EnvironmentFailure) as caught:
        probe(path, tmp_path)
    assert caught.value.code == "INTERPRETER_UNUSABLE"
    assert str(path) in caught.value.message


def test_a_missing_interpreter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match="No such file"):
        probe(tmp_path / "python", tmp_path)


def test_where_nothing_can_be_remembered_the_answer_still_comes(
    tmp_path: Path, interpreter: Interpreter
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    assert current(blocked) == interpreter


def test_linux_platforms_follow_pep_600_and_656() -> None:
    x86 = list(linux_platforms("x86_64", glibc="2.18"))
    assert x86[:4] == [
        "linux_x86_64",
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ]
    assert x86[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]
    assert list(linux_platforms("aarch64", glibc="2.17")) == [
        "linux_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ]
    assert list(linux_platforms("x86_64", musl="1.1")) == [
        "linux_x86_64",
        "musllinux_1_1_x86_64",
        "musllinux_1_0_x86_64",
    ]
    assert list(linux_platforms("armv7l", glibc="2.36", hard_float=False)) == ["linux_armv7l"]
    assert list(linux_platforms("mips64", glibc="2.36")) == ["linux_mips64"]
