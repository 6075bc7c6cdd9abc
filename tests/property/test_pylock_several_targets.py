from __future__ import annotations

import hashlib
import tomllib
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import Pylock

from ppm.engine.lockfile import parse_pylock, render_target_pylock
from ppm.engine.lockfile_reader import named_targets
from ppm.engine.locking import observe_pylock
from ppm.engine.target import Target
from ppm.engine.targets import parse_target
from ppm.events.resolution import LockAdopted, LockedFile, PackageLocked, PackageUnlocked
from ppm.projections.lock import Lock, LockedPackage, applied

WHEELS = {
    "linux-x86_64-py3.12": "cp312-cp312-manylinux_2_28_x86_64",
    "linux-x86_64-py3.13": "cp313-cp313-manylinux_2_28_x86_64",
    "macos-arm64-py3.13": "cp313-cp313-macosx_13_0_arm64",
    "windows-x86_64-py3.12": "cp312-cp312-win_amd64",
    "wasm32-pyodide_2025": "cp313-cp313-pyodide_2025_0_wasm32",
}
TARGETS = {name: parse_target(name) for name in WHEELS}
NAMES = ("alpha", "beta-two", "c3")
GROUPS = ("", "dev", "test", "extra:web", "extra:all")


def file(filename: str) -> LockedFile:
    return LockedFile(
        filename=filename,
        url=f"https://files.example/{filename}",
        sha256=hashlib.sha256(filename.encode()).hexdigest(),
        size=len(filename),
        kind="wheel" if filename.endswith(".whl") else "sdist",
    )


@st.composite
def packages(draw: st.DrawFn, target: str) -> dict[str, LockedPackage]:
    found = {}
    for name in draw(st.sets(st.sampled_from(NAMES))):
        version = draw(st.sampled_from(["1.0", "2.0"]))
        stem = f"{name.replace('-', '_')}-{version}"
        wheel = draw(st.sampled_from([f"-{WHEELS[target]}.whl", "-py3-none-any.whl", ".tar.gz"]))
        others = [other for other in NAMES if other != name]
        found[name] = LockedPackage(
            name=name,
            version=version,
            index="https://index.example/simple/",
            extras=tuple(draw(st.lists(st.sampled_from(["x", "y"]), unique=True, max_size=1))),
            groups=tuple(sorted(draw(st.sets(st.sampled_from(GROUPS), min_size=1)))),
            requires_python=draw(st.sampled_from(["", ">=3.8"])),
            dependencies=tuple(draw(st.lists(st.sampled_from(others), unique=True))),
            files=(file(stem + wheel),),
        )
    return found


@st.composite
def several_locks(draw: st.DrawFn) -> dict[str, dict[str, LockedPackage]]:
    names = draw(st.lists(st.sampled_from(sorted(TARGETS)), min_size=1, unique=True))
    return {name: draw(packages(name)) for name in names}


def render(locks: dict[str, dict[str, LockedPackage]], targets: list[Target]) -> bytes:
    extras = ["web", "all"]
    return render_target_pylock(
        {name: list(held.values()) for name, held in locks.items()},
        targets,
        requires_python=">=3.8",
        extras=extras,
        dependency_groups=["dev", "test"],
    )


@settings(deadline=None, max_examples=60)
@given(several_locks(), st.randoms())
def test_any_lock_for_several_targets_is_valid_and_reads_back_without_loss(
    locks: dict[str, dict[str, LockedPackage]], order: Random
) -> None:
    targets = [TARGETS[name] for name in locks]
    data = render(locks, targets)
    Pylock.from_dict(tomllib.loads(data.decode())).validate()
    assert named_targets(data) == tuple(sorted(locks))
    for name, held in locks.items():
        assert {one.name: one for one in parse_pylock(data, TARGETS[name])} == held
    shuffled = list(locks.items())
    order.shuffle(shuffled)
    order.shuffle(targets)
    again = {name: dict(sorted(held.items(), reverse=True)) for name, held in shuffled}
    assert render(again, targets) == data


@settings(deadline=None, max_examples=60)
@given(several_locks(), several_locks())
def test_adopting_a_lock_gives_what_it_was_written_from(
    before: dict[str, dict[str, LockedPackage]], locks: dict[str, dict[str, LockedPackage]]
) -> None:
    data = render(locks, [TARGETS[name] for name in locks])
    here = TARGETS["linux-x86_64-py3.12"]
    lock = Lock(targets=before)
    *changes, adopted = observe_pylock(lock, data, here)
    assert isinstance(adopted, LockAdopted)
    staged = [one for one in changes if isinstance(one, PackageLocked | PackageUnlocked)]
    assert applied(lock, staged, adopted.targets) == locks


@settings(deadline=None, max_examples=60)
@given(several_locks())
def test_each_version_is_one_table(locks: dict[str, dict[str, LockedPackage]]) -> None:
    document = tomllib.loads(render(locks, [TARGETS[name] for name in locks]).decode())
    tables = [
        (one["name"], one["version"], one.get("requires-python", ""))
        for one in document["packages"]
    ]
    assert len(tables) == len(set(tables))
    everywhere = [one for one in document["packages"] if "marker" not in one]
    for table in everywhere:
        assert all(table["name"] in held for held in locks.values())
