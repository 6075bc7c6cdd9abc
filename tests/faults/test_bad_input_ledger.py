"""Files of ``.ppm`` that somebody else wrote to: nothing is believed or repaired blindly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Program
from support.scene import Scene, assert_told

from ppm.engine.paths import ProjectPaths

CHANGING = [
    ["add", "elm"],
    ["remove", "ash"],
    ["lock"],
    ["apply"],
    ["ensure", "elm"],
    ["import", "elm"],
    ["run", "python", "-c", ""],
    ["snapshot", "--name", "x"],
    ["rollback", "--last"],
]
ASKING = [
    ["plan"],
    ["tree"],
    ["log"],
    ["provenance"],
    ["snapshots"],
    ["replay"],
    ["replay", "--check"],
    ["init"],
]


def everything(root: Path) -> dict[str, bytes | str]:
    """Every file and link of the project."""
    found: dict[str, bytes | str] = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file() and not path.name.endswith(".lock"):
            found[str(path)] = path.read_bytes()
    return found


def change_line(scene: Scene, number: int, old: bytes, new: bytes) -> bytes:
    """Change a line of the ledger by hand; gives the whole ledger as it was."""
    whole = scene.paths.ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new)
    scene.paths.ledger.write_bytes(b"".join(lines))
    return whole


def line_of(scene: Scene, word: str) -> int:
    """The number of the first line of a type."""
    return next(one.seq for one in scene.records() if one.event.type.startswith(word))


def test_no_verb_works_on_a_changed_ledger(scene: Scene) -> None:
    number = line_of(scene, "requirement.added")
    change_line(scene, number, b'"ash"', b'"ush"')
    before = everything(scene.root)
    for verb in [*CHANGING, *ASKING]:
        result = scene.ppm.run(*verb)
        assert_told(result, "LEDGER_CORRUPT")
        assert f"line {number + 1} of" in result.stderr
        assert f"does not continue line {number}:" in result.stderr
        assert everything(scene.root) == before, verb


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'"name":"ash"', b'"name": "ash"', "LEDGER_CORRUPT"),
        (b'{"seq"', b'<<<<<<< ours\n{"seq"', "LEDGER_CONFLICT"),
        (b'"type":"requirement.added/1"', b'"type":"requirement.added/9"', "LEDGER_TOO_NEW"),
        (b'"seq":', b'"seq":7', "LEDGER_CORRUPT"),
    ],
    ids=["spaces", "conflict", "newer", "number"],
)
def test_a_line_that_is_no_event_is_named(scene: Scene, old: bytes, new: bytes, code: str) -> None:
    number = line_of(scene, "requirement.added")
    whole = change_line(scene, number, old, new)
    changed = scene.paths.ledger.read_bytes()
    for verb in (["apply"], ["log"]):
        result = scene.ppm.run(*verb)
        assert_told(result, code)
        assert f"line {number} of" in result.stderr
    assert scene.paths.ledger.read_bytes() == changed
    scene.paths.ledger.write_bytes(whole)
    scene.succeeds("ensure", "elm")


@pytest.mark.parametrize("missing", [slice(3, 4), slice(0, 1), slice(2, 5)])
def test_a_line_that_is_gone_is_missed(scene: Scene, missing: slice) -> None:
    lines = scene.paths.ledger.read_bytes().splitlines(keepends=True)
    del lines[missing]
    scene.paths.ledger.write_bytes(b"".join(lines))
    before = everything(scene.root)
    for verb in (["apply"], ["ensure", "elm"], ["log"]):
        assert_told(scene.ppm.run(*verb), "LEDGER_CORRUPT")
    assert everything(scene.root) == before


def test_a_torn_last_line_is_cut_kept_and_recorded(scene: Scene) -> None:
    whole = scene.paths.ledger.read_bytes()
    scene.paths.ledger.write_bytes(whole + b'{"seq":99,"id":"torn')
    scene.succeeds("ensure", "elm")
    (kept,) = scene.paths.data.glob("ledger.torn-*")
    assert kept.read_bytes() == b'{"seq":99,"id":"torn'
    assert scene.paths.ledger.read_bytes().startswith(whole)
    assert "ledger.repaired/1" in [one.event.type for one in scene.records()]


@pytest.mark.parametrize(
    "garbage", [b"", b"\x00\xff garbage", b'{"format":"ppm-state/1"}', b"[" * 9999]
)
def test_projections_are_only_renderings(scene: Scene, garbage: bytes) -> None:
    data = scene.paths.data
    good = {name: (data / name).read_bytes() for name in ("state.json", "lock.json")}
    for name in good:
        (data / name).write_bytes(garbage)
    check = scene.ppm.run("replay", "--check")
    assert_told(check, "PROJECTION_DIFFERS")
    assert json.loads(scene.ppm.ok("plan"))["plan"] == "noop"
    scene.succeeds("ensure", "elm")
    for name in good:
        (data / name).write_bytes(garbage)
    scene.succeeds("replay")


@pytest.mark.parametrize("left", [None, b"", b'{"seq":1,"id":"torn'])
def test_a_ledger_that_is_gone_is_missed_and_not_begun_anew(
    scene: Scene, left: bytes | None
) -> None:
    whole = scene.paths.ledger.read_bytes()
    scene.paths.ledger.unlink()
    if left is not None:
        scene.paths.ledger.write_bytes(left)
    before = everything(scene.root)
    for verb in (["apply"], ["log"]):
        result = scene.ppm.run(*verb)
        assert_told(result, "NO_PROJECT")
        assert "is missing or empty" in result.stderr
    assert_told(scene.ppm.run("init"), "LEDGER_LOST")
    assert everything(scene.root) == before
    scene.paths.ledger.write_bytes(whole)
    scene.succeeds("apply")


@pytest.mark.parametrize("left", [None, b"", b'{"seq":1,"id":"torn'])
def test_an_init_killed_before_its_first_record_can_run_again(
    ppm: Program, left: bytes | None
) -> None:
    paths = ProjectPaths(ppm.directory)
    paths.snapshots.mkdir(parents=True)
    if left is not None:
        paths.ledger.write_bytes(left)
    ppm.ok("init")
    ppm.ok("replay", "--check")
