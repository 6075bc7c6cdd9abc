from __future__ import annotations

import tomllib
from random import Random
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.pylock import Pylock

from ppm.engine.lockfile import parse_pylock, render_pylock
from ppm.engine.target import Target
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

TARGET = Target(
    name="any",
    python_full_version=default_environment()["python_full_version"],
    markers=cast("dict[str, str]", {**default_environment()}),
    tags=("py3-none-any",),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
GROUPS = st.lists(st.sampled_from(["", "dev", "test", "extra:web"]), min_size=1, unique=True)


@st.composite
def packages(draw: st.DrawFn) -> LockedPackage:
    name = draw(st.sampled_from(["alpha", "beta-two", "c3"]))
    version = draw(st.sampled_from(["1.0", "2", "1!3.0rc1", "2.4.0+cu121"]))
    stem = f"{name.replace('-', '_')}-{version}"
    kinds = draw(st.sampled_from([("-py3-none-any.whl",), ("-py3-none-any.whl", ".tar.gz")]))
    files = tuple(
        LockedFile(
            filename=stem + end,
            url=draw(st.sampled_from(["wheels/", "https://files.example/"]))
            + draw(st.sampled_from([stem + end, "other name?", 'a"\\b'])),
            sha256=draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
            size=draw(st.integers(0, 2**40)),
            kind="wheel" if end.endswith(".whl") else "sdist",
        )
        for end in kinds
    )
    return LockedPackage(
        name=name,
        version=version,
        index=draw(st.sampled_from(["", "https://index.example/simple/"])),
        extras=tuple(draw(st.lists(st.sampled_from(["x", "y"]), unique=True))),
        groups=tuple(draw(GROUPS)),
        requires_python=draw(st.sampled_from(["", ">=3.8", "!=3.9.*,>=3"])),
        dependencies=tuple(
            f"dep{i} ; x == {text!r}" for i, text in enumerate(draw(st.lists(TEXT, max_size=2)))
        ),
        files=files,
    )


@given(st.lists(packages(), max_size=3, unique_by=lambda one: one.name), st.randoms())
def test_any_lock_of_ours_is_valid_and_reads_back_without_loss(
    locked: list[LockedPackage], order: Random
) -> None:
    data = render_pylock(locked, requires_python=">=3.8")
    Pylock.from_dict(tomllib.loads(data.decode())).validate()
    assert parse_pylock(data, TARGET) == tuple(sorted(locked, key=lambda one: one.name))
    order.shuffle(locked)
    assert render_pylock(locked, requires_python=">=3.8") == data
