"""Wheels that are not what was promised: refused by name, with the old environment in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from local_index import Fault
from support.scene import Scene
from support.wheels import record_hash, wheel_filename, wheel_members, write_wheel

from ppm.events.artifact import ArtifactRefused

STEM = "elm-2.0.dist-info"
RECORD = f"{STEM}/RECORD"
FILE = wheel_filename("elm", "2.0")

Members = dict[str, bytes]


def as_it_is(_members: Members) -> None:
    """Break nothing."""


def wrong_hash(members: Members) -> None:
    right = record_hash(members["elm/__init__.py"]).encode()
    members[RECORD] = members[RECORD].replace(right, record_hash(b"else").encode())


def missing_row(members: Members) -> None:
    rows = members[RECORD].splitlines(keepends=True)
    members[RECORD] = b"".join(row for row in rows if not row.startswith(b"elm/__init__.py"))


def ghost_row(members: Members) -> None:
    members[RECORD] = f"elm/ghost.py,{record_hash(b'')},0\n".encode() + members[RECORD]


def no_record(members: Members) -> None:
    del members[RECORD]


def traversal(members: Members) -> None:
    members["../../../outside.py"] = b"print('outside')\n"


def absolute(members: Members) -> None:
    members["/tmp/outside.py"] = b"print('outside')\n"


def another_name(members: Members) -> None:
    members[f"{STEM}/METADATA"] = b"Metadata-Version: 2.1\nName: oak\nVersion: 2.0\n"


def publish(scene: Scene, breaks: Callable[[Members], None]) -> None:
    members = wheel_members("elm", "2.0")
    breaks(members)
    write_wheel(scene.index.folder / FILE, members)
    scene.index.refresh()


def refusals(scene: Scene) -> list[str]:
    events = [record.event for record in scene.records()]
    return [event.code for event in events if isinstance(event, ArtifactRefused)]


@pytest.mark.parametrize(
    ("breaks", "code", "names"),
    [
        (wrong_hash, "RECORD_MISMATCH", "elm/__init__.py"),
        (missing_row, "RECORD_MISSING", "elm/__init__.py"),
        (ghost_row, "RECORD_GHOST", "elm/ghost.py"),
        (no_record, "WHEEL_INCOMPLETE", "RECORD"),
        (traversal, "PATH_PARENT", "outside.py"),
        (absolute, "PATH_ABSOLUTE", "outside.py"),
    ],
)
def test_a_wheel_that_lies_is_refused_with_the_place(
    scene: Scene, breaks: Callable[[Members], None], code: str, names: str
) -> None:
    publish(scene, breaks)
    scene.ppm.ok("add", "elm", "--lock")
    result = scene.refused("apply", code=code)
    assert FILE in result.stderr
    assert names in result.stderr
    assert refusals(scene) == [code]
    assert not Path("/tmp/outside.py").exists()
    assert list(scene.root.parent.rglob("outside.py")) == []
    publish(scene, as_it_is)
    scene.ppm.ok("lock")
    scene.succeeds("apply")
    assert scene.imports("import elm; assert elm.__version__ == '2.0'")


def test_bytes_that_are_not_those_of_the_digest_are_refused(scene: Scene) -> None:
    publish(scene, as_it_is)
    scene.ppm.ok("add", "elm", "--lock")
    right = (scene.index.folder / FILE).read_bytes()
    wrong = right.replace(b"2.0", b"6.6")
    fault = scene.index.break_path(Fault(path=f"/files/{FILE}", body=wrong))
    result = scene.refused("apply", code="HASH_MISMATCH")
    assert FILE in result.stderr
    assert refusals(scene) == ["HASH_MISMATCH"]
    scene.index.faults.remove(fault)
    scene.succeeds("apply")
    assert scene.imports("import elm; assert elm.__version__ == '2.0'")


def test_a_wheel_that_ends_early_each_time_is_fetched_further_the_next_time(scene: Scene) -> None:
    publish(scene, as_it_is)
    scene.ppm.ok("add", "elm", "--lock")
    size = (scene.index.folder / FILE).stat().st_size
    fault = scene.index.break_path(Fault(path=f"/files/{FILE}", truncate=40))
    scene.index.offer(ranges=False)
    result = scene.refused("apply", code="TRUNCATED")
    assert f"of {size} bytes" in result.stderr
    scene.index.faults.remove(fault)
    scene.index.offer(ranges=True)
    scene.succeeds("apply")
    assert scene.index.counts()["range"] >= 1


def test_a_wheel_that_is_cut_off_on_the_index_itself_is_refused(scene: Scene) -> None:
    path = write_wheel(scene.index.folder / FILE, wheel_members("elm", "2.0"))
    path.write_bytes(path.read_bytes()[:-100])
    scene.index.refresh()
    result = scene.refused("ensure", "elm==2.0", code="NO_MATCHING_VERSION")
    assert FILE in result.stderr
    publish(scene, as_it_is)
    scene.succeeds("ensure", "elm==2.0")


def test_metadata_of_another_package_is_refused(scene: Scene) -> None:
    publish(scene, another_name)
    result = scene.refused("ensure", "elm==2.0", code="NO_MATCHING_VERSION")
    assert "oak" in result.stderr
    publish(scene, as_it_is)
    scene.succeeds("ensure", "elm==2.0")
