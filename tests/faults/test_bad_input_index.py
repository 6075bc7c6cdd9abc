"""An index that is not there, fails, or does not let us in."""

from __future__ import annotations

import pytest
from conftest import NOBODY_LISTENS, PublishedIndex
from local_index import Fault
from support.scene import Scene

PAGE = "/simple/elm/"
WHEEL = "/files/elm-*.whl"


def test_an_index_that_is_not_there_is_named(scene: Scene) -> None:
    nowhere = {"PIP_INDEX_URL": NOBODY_LISTENS}
    result = scene.refused("add", "elm", "--lock", code="INDEX_UNREACHABLE", env=nowhere)
    assert "127.0.0.1:9" in result.stderr
    scene.succeeds("add", "elm", "--lock")


def test_an_index_that_is_gone_before_apply_leaves_the_lock_to_be_applied(scene: Scene) -> None:
    with PublishedIndex(scene.index.folder) as index:
        port = int(index.origin.rpartition(":")[2])
        scene.ppm.ok("add", "elm", "--lock", "--index-url", index.url)
    scene.refused("apply", code="INDEX_UNREACHABLE")
    with PublishedIndex(scene.index.folder, port=port):
        scene.succeeds("apply", "--frozen")
    assert scene.imports("import elm")


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "INDEX_HTTP_STATUS"), (401, "INDEX_UNAUTHORIZED"), (403, "INDEX_UNAUTHORIZED")],
)
@pytest.mark.parametrize("path", [PAGE, WHEEL])
def test_a_refusing_index_is_named_with_its_status(
    scene: Scene, status: int, code: str, path: str
) -> None:
    broken = scene.index.break_path(Fault(path=path, status=status))
    result = scene.refused("ensure", "elm", code=code)
    assert f"HTTP {status}" in result.stderr
    scene.index.faults.remove(broken)
    scene.succeeds("ensure", "elm")
    assert scene.imports("import elm")


@pytest.mark.parametrize("path", [PAGE, WHEEL])
def test_one_500_is_tried_again(scene: Scene, path: str) -> None:
    fault = scene.index.break_path(Fault(path=path, status=500, times=1))
    scene.succeeds("ensure", "elm")
    assert fault.times == 0
    assert scene.imports("import elm")


def test_logins_stay_out_of_everything(scene: Scene) -> None:
    secret = "hunter2"
    url = scene.index.url.replace("http://", f"http://me:{secret}@")
    scene.index.break_path(Fault(path=PAGE, status=403))
    result = scene.refused("add", "elm", "--lock", "--index-url", url, code="INDEX_UNAUTHORIZED")
    assert secret not in result.stdout + result.stderr
    written = [path for path in scene.root.parent.rglob("*") if path.is_file()]
    assert [path for path in written if secret.encode() in path.read_bytes()] == []
