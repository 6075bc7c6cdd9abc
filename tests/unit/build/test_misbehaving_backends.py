"""Backends that fail, hang, lie, talk too much or leave things behind."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from support.sdists import BACKEND, PREPARE, in_tree_sdist
from unit.build.workbench import Workbench, want

from ppm.engine.build.builder import Builder, BuildSettings
from ppm.engine.build.model import HookLimits
from ppm.engine.errors import BuildError

LOGIN = "https://someone:hunter2@index.example/simple/"


def replaced(code: str) -> str:
    """The backend with another ``build_wheel``; ``plain`` is the real one."""
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return f"{BACKEND}\nplain = build_wheel\ndef build_wheel(directory, *rest):\n{body}"


def alive(marker: str) -> list[int]:
    """Processes with ``marker`` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def appeared(marker: str) -> None:
    """Wait for such a process."""
    while not alive(marker):
        time.sleep(0.02)


def gone(marker: str) -> bool:
    """Whether no such process is left, soon."""
    for _ in range(100):
        if not alive(marker):
            return True
        time.sleep(0.02)
    return False


def child(marker: str, *, new_session: bool = False) -> str:
    """Code that leaves a process running which holds the outputs open."""
    return (
        "import subprocess\nsubprocess.Popen([sys.executable, '-c', "
        f"'import time; time.sleep(60)', '{marker}'], start_new_session={new_session})\n"
    )


def test_a_failing_backend_is_told_with_its_own_last_words(bench: Workbench, sources: Path) -> None:
    code = f"print('asking {LOGIN}')\nprint('no compiler', file=sys.stderr)\nraise SystemExit(3)"
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    assert error.code == "BUILD_FAILED"
    assert "demo 1.0 does not build: build_wheel of backend ended with status 3" in error.message
    assert error.message.endswith("no compiler")
    assert "hunter2" not in error.message
    assert error.hint


def test_an_exception_shows_its_traceback(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=replaced("raise ValueError('odd')"))
    error = bench.failure(sdist)
    assert error.code == "BUILD_FAILED"
    assert error.message.endswith("ValueError: odd")


def test_a_backend_killed_by_a_signal_is_told(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=replaced("os.kill(os.getpid(), 9)"))
    assert "was killed by signal 9" in bench.failure(sdist).message


@pytest.mark.parametrize("backend", ["import nowhere", "x = 1 +"])
def test_a_backend_that_cannot_be_loaded_is_told(
    bench: Workbench, sources: Path, backend: str
) -> None:
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", backend=backend))
    assert error.code in {"BUILD_BACKEND", "BUILD_FAILED"}
    assert "Error" in error.message


def test_a_backend_that_is_not_provided_is_told(bench: Workbench, sources: Path) -> None:
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "nowhere.api"\n'
    sdist = in_tree_sdist(sources, "demo", "1.0", files={"pyproject.toml": pyproject})
    error = bench.failure(sdist)
    assert error.code == "BUILD_BACKEND"
    assert "nowhere" in error.message


def test_an_end_without_an_answer_is_told(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=replaced("os._exit(0)"))
    assert bench.failure(sdist).code == "BUILD_BACKEND"


ANSWERS = [
    *("None", "17", "['a.whl']", "'demo.tar.gz'", "'demo.whl'", "''"),
    *(
        "'a' * 300 + '.whl'",
        "'\\ud800.whl'",
        "'\\0.whl'",
        "os.mkdir(directory + '/d.whl') or 'd.whl'",
    ),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_that_name_no_wheel_are_refused(
    bench: Workbench, sources: Path, answer: str
) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=replaced(f"return {answer}"))
    assert bench.failure(sdist).code == "BUILD_BACKEND"


def test_a_wheel_outside_its_folder_is_not_taken(
    bench: Workbench, sources: Path, tmp_path: Path
) -> None:
    code = f"return '{tmp_path}/' + plain('{tmp_path}')"
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    assert error.code == "BUILD_BACKEND"
    code = "return '../' + plain(os.path.join(directory, '..'))"
    error = bench.failure(in_tree_sdist(sources, "other", "1.0", backend=replaced(code)))
    assert error.code == "BUILD_BACKEND"


def test_a_link_in_the_place_of_the_wheel_is_not_followed(
    bench: Workbench, sources: Path, tmp_path: Path
) -> None:
    code = f"name = plain('{tmp_path}')\nos.symlink('{tmp_path}/' + name, directory + '/' + name)"
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=replaced(f"{code}\nreturn name"))
    assert bench.failure(sdist).code == "BUILD_BACKEND"


def test_what_a_build_writes_beside_its_results_goes_away(bench: Workbench, sources: Path) -> None:
    code = """
import tempfile
for folder in (directory, directory + '/..', tempfile.gettempdir(), '.'):
    Path(folder, 'left').mkdir()
    Path(folder, 'left', 'behind').write_text('x')
    Path(folder, 'left').chmod(0)
return plain(directory)
"""
    wheel = bench.build(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    assert [file.path for file in wheel.tree.files] == [
        "demo-1.0.dist-info/METADATA",
        "demo-1.0.dist-info/WHEEL",
        "demo/__init__.py",
    ]
    assert bench.rooms == []
    assert list(bench.home.root.rglob("left")) == []


@pytest.mark.parametrize(
    "settings", [{"name": "other"}, {"version": "2.0"}, {"tag": "cp27-none-any"}]
)
def test_a_wheel_that_is_not_what_was_asked_for_is_refused(
    bench: Workbench, sources: Path, settings: dict[str, str]
) -> None:
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", settings=settings))
    assert error.code == "BUILD_WHEEL"
    assert len(list(bench.store.blobs.digests())) == 1
    assert list(bench.store.digests()) == []


def test_a_wheel_with_a_wrong_record_is_refused(bench: Workbench, sources: Path) -> None:
    code = """
name = plain(directory)
with zipfile.ZipFile(Path(directory, name), 'a') as archive:
    archive.writestr('demo/unlisted.py', '')
return name
"""
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    assert error.code == "BUILD_WHEEL"


def test_a_hanging_backend_ends_with_all_its_children(bench: Workbench, sources: Path) -> None:
    marker = f"ppm-test-hang-{os.getpid()}"
    bench.settings = BuildSettings(hooks=HookLimits(seconds=1.0))
    code = child(marker) + "print('waiting', flush=True)\nimport time\ntime.sleep(60)"
    begun = time.monotonic()
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    assert time.monotonic() - begun < 15
    assert error.code == "BUILD_TIMEOUT"
    assert error.message.endswith("waiting")
    assert gone(marker)


def test_cancelling_ends_the_build_and_removes_its_room(bench: Workbench, sources: Path) -> None:
    marker = f"ppm-test-cancel-{os.getpid()}"
    code = child(marker) + "import time\ntime.sleep(60)"
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=replaced(code))

    async def given_up(builder: Builder) -> float:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(builder.wheel_for, want(sdist))
            await anyio.to_thread.run_sync(appeared, marker)
            begun = anyio.current_time()
            tasks.cancel_scope.cancel()
        return anyio.current_time() - begun

    assert bench.run(given_up) < 5
    assert gone(marker)
    assert bench.rooms == []


def test_a_child_in_the_background_does_not_outlive_the_build(
    bench: Workbench, sources: Path
) -> None:
    marker = f"ppm-test-background-{os.getpid()}"
    code = child(marker) + "return plain(directory)"
    begun = time.monotonic()
    bench.build(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    assert time.monotonic() - begun < 15
    assert gone(marker)


def test_a_child_that_left_the_group_does_not_hold_the_build_up(
    bench: Workbench, sources: Path
) -> None:
    marker = f"ppm-test-daemon-{os.getpid()}"
    code = child(marker, new_session=True) + "return plain(directory)"
    begun = time.monotonic()
    bench.build(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    took = time.monotonic() - begun
    for process in alive(marker):
        os.kill(process, 9)
    assert took < 15


def test_only_the_end_of_a_long_log_is_kept(bench: Workbench, sources: Path) -> None:
    code = "for number in range(20_000): print('line', number)\nraise SystemExit(1)"
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    assert len(error.message) < 8000
    assert error.message.endswith("line 19999")


def test_closed_outputs_do_not_end_the_wait(bench: Workbench, sources: Path) -> None:
    code = "os.close(1)\nos.close(2)\nimport time\ntime.sleep(0.5)\nreturn plain(directory)"
    assert bench.build(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code))).fresh


def test_what_failed_is_not_tried_again_by_the_same_command(
    bench: Workbench, sources: Path, tmp_path: Path
) -> None:
    code = f"open('{tmp_path}/tries', 'a').write('x')\nraise SystemExit(1)"
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=replaced(code))

    async def twice(builder: Builder) -> None:
        for _ in range(2):
            with pytest.raises(BuildError):
                await builder.wheel_for(want(sdist))

    bench.run(twice)
    assert (tmp_path / "tries").read_text() == "x"
    bench.failure(sdist)
    assert (tmp_path / "tries").read_text() == "xx"


def test_warnings_of_a_backend_stay_in_the_build(bench: Workbench, sources: Path) -> None:
    code = "import warnings\nwarnings.warn('old style')\nreturn plain(directory)"
    assert bench.build(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code))).fresh


def test_the_surroundings_are_the_builds_own(
    bench: Workbench, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("PIP_INDEX_URL", LOGIN)
    monkeypatch.setenv("UV_INDEX_URL", LOGIN)
    monkeypatch.setenv("CFLAGS", "-O2")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    code = f"""
import json
seen = dict(os.environ, prefix=sys.prefix, base=sys.base_prefix, modules=' '.join(sys.path))
Path('{tmp_path}', 'seen').write_text(json.dumps(seen))
return plain(directory)
"""
    bench.build(in_tree_sdist(sources, "demo", "1.0", backend=replaced(code)))
    site_of_the_tests = os.fspath(Path(pytest.__file__).parents[1])
    seen = json.loads((tmp_path / "seen").read_text())
    assert "hunter2" not in (tmp_path / "seen").read_text()
    assert "PYTHONPATH" not in seen
    assert seen["CFLAGS"] == "-O2"
    assert seen["SOURCE_DATE_EPOCH"] == "1580601600"
    assert seen["prefix"] != seen["base"]
    assert seen["PATH"].split(os.pathsep)[0] == seen["prefix"] + "/bin"
    assert seen["TMPDIR"].startswith(str(bench.home.store / "builds"))
    assert site_of_the_tests not in seen["modules"]


def test_a_time_that_was_set_is_kept(
    bench: Workbench, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    code = f"Path('{tmp_path}', 'seen').write_text(os.environ['SOURCE_DATE_EPOCH'])"
    sdist = in_tree_sdist(
        sources, "demo", "1.0", backend=replaced(f"{code}\nreturn plain(directory)")
    )
    bench.build(sdist)
    assert (tmp_path / "seen").read_text() == "1700000000"


@pytest.mark.parametrize("answer", ["'..'", "'demo-1.0.dist-info/..'", "'missing.dist-info'", "3"])
def test_metadata_outside_its_folder_is_not_taken(
    bench: Workbench, sources: Path, answer: str
) -> None:
    backend = BACKEND + PREPARE.replace("return folder.name", f"return {answer}")
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=backend)
    with pytest.raises(BuildError) as caught:
        bench.metadata(sdist)
    assert caught.value.code == "BUILD_BACKEND"


def test_a_link_in_the_place_of_metadata_is_not_followed(bench: Workbench, sources: Path) -> None:
    linking = PREPARE.replace(
        '(folder / "METADATA").write_text(_metadata())',
        '(folder / "METADATA").symlink_to("/etc/hostname")',
    )
    sdist = in_tree_sdist(sources, "demo", "1.0", backend=BACKEND + linking)
    with pytest.raises(BuildError) as caught:
        bench.metadata(sdist)
    assert caught.value.code == "BUILD_BACKEND"
