"""Real builds with real backends, on PPM's own resolver, pipeline, store and generations."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from conftest import PublishedIndex
from support.sdists import BACKEND, PREPARE, build_sdist, in_tree_sdist, regular, write_sdist
from unit.build.workbench import Workbench, listed, want

from ppm.engine.build.builder import Builder, BuildSettings
from ppm.engine.build.model import BuiltWheel
from ppm.engine.errors import ArtifactError, BuildError, IndexFailure
from ppm.engine.paths import HomePaths

NEEDS_TINYBACK = {
    "pyproject.toml": '[build-system]\nrequires = ["tinyback>=1"]\nbuild-backend = "tinyback"\n'
}


def test_a_source_distribution_becomes_a_wheel_in_the_store(
    bench: Workbench, sources: Path
) -> None:
    sdist = in_tree_sdist(sources, "Demo.Pkg", "1.0")
    wheel = bench.build(sdist)
    assert wheel.fresh
    assert wheel.record.filename == "demo_pkg-1.0-py3-none-any.whl"
    assert (wheel.tree.name, wheel.tree.version) == ("demo-pkg", "1.0")
    module = bench.store.directory(wheel.record.sha256) / "demo_pkg" / "__init__.py"
    assert module.read_text() == '__version__ = "1.0"\n'
    assert bench.store.blobs.size(wheel.record.sha256) == wheel.record.size
    event = wheel.record.event()
    assert bench.built == [event]
    assert event.source_sha256 == want(sdist).sha256
    assert (event.backend, event.requires) == ("backend", ())
    assert bench.rooms == []


def test_what_was_built_is_found_by_the_next_command(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")
    first, second = bench.build(sdist), bench.build(sdist)
    assert (first.fresh, second.fresh) == (True, False)
    assert first.record == second.record
    assert len(bench.built) == 1


def test_a_wheel_that_left_the_store_is_built_anew(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")
    first = bench.build(sdist)
    bench.store.blobs.remove(first.record.sha256)
    bench.store.remove(first.record.sha256)
    assert bench.build(sdist).fresh
    assert len(bench.built) == 2


def test_the_same_source_gives_the_same_wheel_anywhere(
    bench: Workbench, tmp_path: Path, sources: Path
) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")
    here = bench.build(sdist)
    bench.home = HomePaths(tmp_path / "elsewhere" / "on the disk")
    there = bench.build(sdist)
    assert there.fresh
    assert here.record == there.record


def test_build_requirements_come_from_the_index(
    bench: Workbench, sources: Path, local_index: PublishedIndex
) -> None:
    backend = BACKEND.replace("import base64", "import tinyhelp, base64")
    local_index.publish("tinyhelp", "0.3")
    local_index.publish("tinyback", "0.9", files={"tinyback.py": "raise SystemExit(9)"})
    local_index.publish("tinyback", "1.1", files={"tinyback.py": backend}, requires=["tinyhelp<1"])
    wheel = bench.build(in_tree_sdist(sources, "demo", "1.0", files=NEEDS_TINYBACK))
    assert wheel.record.requires == ("tinyback==1.1", "tinyhelp==0.3")
    assert wheel.record.backend == "tinyback"
    assert any("tinyback-1.1" in name for name in bench.fetched)
    assert bench.rooms == []


def test_what_the_backend_asks_for_is_provided(
    bench: Workbench, sources: Path, local_index: PublishedIndex
) -> None:
    local_index.publish("tinyhelp", "0.3")
    dynamic = """
def get_requires_for_build_wheel(config_settings=None):
    return ["tinyhelp"]
plain = build_wheel
def build_wheel(*arguments):
    import tinyhelp
    return plain(*arguments)
"""
    wheel = bench.build(in_tree_sdist(sources, "demo", "1.0", backend=BACKEND + dynamic))
    assert wheel.record.requires == ("tinyhelp==0.3",)


def test_wheels_are_preferred_to_newer_source_distributions(
    bench: Workbench, sources: Path, local_index: PublishedIndex
) -> None:
    local_index.publish("tinyback", "1.1", files={"tinyback.py": BACKEND})
    in_tree_sdist(local_index.folder, "tinyback", "2.0")
    local_index.refresh()
    wheel = bench.build(in_tree_sdist(sources, "demo", "1.0", files=NEEDS_TINYBACK))
    assert wheel.record.requires == ("tinyback==1.1",)


def test_a_build_requirement_may_need_building_itself(
    bench: Workbench, sources: Path, local_index: PublishedIndex
) -> None:
    in_tree_sdist(
        local_index.folder, "tinyback", "2.0", files={"src/tinyback/__init__.py": BACKEND}
    )
    local_index.refresh()
    bench.settings = BuildSettings(jobs=1)
    wheel = bench.build(in_tree_sdist(sources, "demo", "1.0", files=NEEDS_TINYBACK))
    assert wheel.record.requires == ("tinyback==2.0",)
    assert [event.name for event in bench.built] == ["tinyback", "demo"]
    assert bench.rooms == []


def test_build_requirements_that_cannot_be_had_are_told(
    bench: Workbench, sources: Path, local_index: PublishedIndex
) -> None:
    local_index.publish("tinyback", "0.9")
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", files=NEEDS_TINYBACK))
    assert error.code == "BUILD_REQUIREMENTS"
    assert "demo 1.0 needs" in error.message
    assert "tinyback" in error.message


def test_a_build_requirement_that_no_index_has_is_told(bench: Workbench, sources: Path) -> None:
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", requires=["nowhere"]))
    assert error.code == "BUILD_REQUIREMENTS"
    assert "demo 1.0 needs" in error.message
    assert "nowhere" in error.message


@pytest.mark.parametrize("text", ["not a requirement!", "x @ https://u:pw@index.example/x.whl"])
def test_a_build_requirement_that_is_none_is_told(
    bench: Workbench, sources: Path, text: str
) -> None:
    error = bench.failure(in_tree_sdist(sources, "demo", "1.0", requires=[text]))
    assert error.code == "BUILD_REQUIREMENTS"
    assert "u:pw" not in error.message


@pytest.mark.parametrize("damage", [b"", b"{", b'{"name": 1}'])
def test_a_damaged_record_is_a_miss(bench: Workbench, sources: Path, damage: bytes) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")
    bench.build(sdist)
    for record in (bench.home.store / "built").rglob("*-*"):
        record.write_bytes(damage)
    assert bench.build(sdist).fresh


def circle(folder: Path) -> tuple[Path, Path]:
    """Two source distributions, each needed to build the other."""
    return (
        in_tree_sdist(folder, "egg", "1.0", requires=["chicken"]),
        in_tree_sdist(folder, "chicken", "1.0", requires=["egg"]),
    )


def test_builds_that_need_each_other_are_refused(
    bench: Workbench, local_index: PublishedIndex
) -> None:
    egg, _ = circle(local_index.folder)
    local_index.refresh()
    error = bench.failure(egg)
    assert error.code == "BUILD_CYCLE"
    assert "egg-1.0, which needs chicken-1.0, which needs egg-1.0" in error.message


def test_builds_that_need_each_other_do_not_wait_for_ever(
    bench: Workbench, local_index: PublishedIndex
) -> None:
    pair = circle(local_index.folder)
    local_index.refresh()
    codes: list[str] = []

    async def both(builder: Builder) -> None:
        async def one(sdist: Path) -> None:
            with pytest.raises(BuildError) as caught:
                await builder.wheel_for(want(sdist))
            codes.append(caught.value.code)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for sdist in pair:
                    tasks.start_soon(one, sdist)

    bench.run(both)
    assert codes == ["BUILD_CYCLE", "BUILD_CYCLE"]


def test_a_long_way_down_is_refused(bench: Workbench, local_index: PublishedIndex) -> None:
    for number in range(9):
        requires = [f"level{number + 1}"]
        sdist = in_tree_sdist(local_index.folder, f"level{number}", "1.0", requires=requires)
    local_index.refresh()
    first = sdist.with_name("level0-1.0.tar.gz")
    assert bench.failure(first).code == "BUILD_DEPTH"


def test_several_who_want_one_wheel_get_one_build(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")
    wheels: list[BuiltWheel] = []

    async def five(builder: Builder) -> None:
        async def one() -> None:
            wheels.append(await builder.wheel_for(want(sdist)))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one)

    bench.run(five)
    assert len({wheel.record.sha256 for wheel in wheels}) == 1
    assert len(wheels) == 5
    assert len(bench.built) == 1


def test_metadata_is_prepared_without_building(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(
        sources,
        "demo",
        "1.0",
        backend=BACKEND + PREPARE,
        settings={"needs": "left>=1;right[extra]"},
    )
    metadata = bench.metadata(sdist)
    assert metadata.requires_dist == ("left>=1", "right[extra]")
    assert metadata.origin == "build"
    assert bench.built == []
    assert bench.rooms == []


def test_metadata_of_a_backend_that_only_builds_comes_from_the_wheel(
    bench: Workbench, sources: Path
) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0", settings={"needs": "left>=1"})
    assert bench.metadata(sdist).requires_dist == ("left>=1",)
    assert [event.name for event in bench.built] == ["demo"]
    assert not bench.build(sdist).fresh


def test_metadata_of_another_version_leaves_the_file_out(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(
        sources, "demo", "1.0", backend=BACKEND + PREPARE, settings={"version": "3.0"}
    )
    with pytest.raises(IndexFailure) as caught:
        bench.metadata(sdist)
    assert caught.value.code == "INVALID_METADATA"


def test_a_zip_is_left_out_by_the_resolver_and_refused_by_the_build(
    bench: Workbench, sources: Path
) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")
    renamed = sdist.rename(sdist.with_name("demo-1.0.zip"))
    with pytest.raises(IndexFailure) as left_out:
        bench.metadata(renamed)
    with pytest.raises(ArtifactError) as refused:
        bench.build(renamed)
    assert (left_out.value.code, refused.value.code) == ("INVALID_METADATA", "SDIST_FORMAT")


def test_a_hostile_archive_is_refused_and_told(bench: Workbench, sources: Path) -> None:
    sdist = write_sdist(
        sources / "demo-1.0.tar.gz", [regular("demo-1.0/setup.py"), regular("../evil")]
    )
    with pytest.raises(ArtifactError) as caught:
        bench.build(sdist)
    assert caught.value.code == "SDIST_PATH"
    assert bench.refused == [("demo-1.0.tar.gz", "SDIST_PATH")]
    assert bench.rooms == []


def test_a_source_that_changed_in_the_store_is_not_built(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")
    bench.build(sdist)
    other = in_tree_sdist(sources / "other", "demo", "1.0", files={"x": "y"})
    wanted, store = want(sdist), bench.store
    store.blobs.path(wanted.sha256).unlink()
    store.blobs.path(wanted.sha256).write_bytes(other.read_bytes())
    for record in (bench.home.store / "built").rglob("*-*"):
        record.unlink()
    with pytest.raises(ArtifactError) as caught:
        bench.build(sdist)
    assert caught.value.code == "BLOB_CORRUPT"


def test_rooms_of_killed_commands_are_removed(bench: Workbench, sources: Path) -> None:
    left = bench.home.store / "builds" / ".tmp-0123456789abcdef"
    (left / "source").mkdir(parents=True)
    bench.build(in_tree_sdist(sources, "demo", "1.0"))
    assert bench.rooms == []


def test_the_metadata_hook_serves_the_index_client(
    bench: Workbench, sources: Path, local_index: PublishedIndex
) -> None:
    """A build requirement whose source distribution needs a build to tell what it needs."""
    local_index.publish("tinyhelp", "0.3")
    in_tree_sdist(
        local_index.folder,
        "tinyback",
        "2.0",
        backend=BACKEND + PREPARE,
        settings={"needs": "tinyhelp"},
        files={"src/tinyback/__init__.py": "import tinyhelp\n" + BACKEND.replace('"""A', '"""B')},
    )
    local_index.refresh()
    wheel = bench.build(in_tree_sdist(sources, "demo", "1.0", files=NEEDS_TINYBACK))
    assert wheel.record.requires == ("tinyback==2.0", "tinyhelp==0.3")


def test_a_project_without_a_build_system_needs_a_setup_py(bench: Workbench, sources: Path) -> None:
    error = bench.failure(build_sdist(sources, "demo", "1.0"))
    assert error.code == "BUILD_SYSTEM"


def test_listed_files_and_wanted_files_are_one_build(bench: Workbench, sources: Path) -> None:
    sdist = in_tree_sdist(sources, "demo", "1.0")

    async def both(builder: Builder) -> tuple[str, bool]:
        metadata = await builder.metadata_for(listed(sdist))
        wheel = await builder.wheel_for(want(sdist))
        return metadata.name, wheel.fresh

    assert bench.run(both) == ("demo", True)
    assert len(bench.built) == 1
