"""What a history needs of the store, and which generations stay."""

from __future__ import annotations

import msgspec
import pytest
from support.histories import MACHINE, Storyteller, locked, resolved

from ppm.engine.collecting import kept, survey
from ppm.engine.durations import seconds
from ppm.engine.errors import UsageError
from ppm.events.artifact import ArtifactBuilt
from ppm.events.catalog import AnyEvent
from ppm.events.environment import EnvironmentSwitched, GenerationBuilt, PackageInstalled
from ppm.events.snapshot import SnapshotTaken
from ppm.events.upkeep import GenerationCollected


def lock_of(digest: str) -> list[AnyEvent]:
    """The lock becomes one file."""
    package = locked("tin", "1.0")
    files = (msgspec.structs.replace(package.files[0], sha256=digest),)
    return [msgspec.structs.replace(package, files=files), resolved()]


def applied(generation: str, previous: str, wheel: str, machine: str = MACHINE) -> list[AnyEvent]:
    return [
        PackageInstalled(
            machine=machine,
            generation=generation,
            name="tin",
            version="1.0",
            previous="",
            sha256=wheel,
            requested=True,
        ),
        GenerationBuilt(
            machine=machine,
            generation=generation,
            root="",
            lock="",
            interpreter="",
            python="",
            link_mode="copy",
            packages=1,
            files=1,
        ),
        EnvironmentSwitched(
            machine=machine,
            generation=generation,
            previous=previous,
            parent=previous,
            reason="apply",
        ),
    ]


def snapshot(name: str, generation: str, *, automatic: bool) -> SnapshotTaken:
    return SnapshotTaken(
        name=name,
        automatic=automatic,
        machine=MACHINE,
        generation=generation,
        lock="",
        packages=1,
    )


@pytest.fixture
def story() -> Storyteller:
    """Four generations in a row, ``d`` active; ``b`` has a name."""
    story = Storyteller()
    for generation, previous in (("a", ""), ("b", "a"), ("c", "b"), ("d", "c")):
        story.run("lock", *lock_of(f"wheel-{generation}"))
        story.run(
            "apply",
            snapshot(f"auto-{generation}", previous, automatic=True),
            *applied(generation, previous, f"wheel-{generation}"),
        )
        if generation == "b":
            story.run("snapshot", snapshot("mine", "b", automatic=False))
    return story


def test_the_active_the_last_used_and_the_named_stay(story: Storyteller) -> None:
    found = survey(story.records(), MACHINE)
    assert found.active == "d"
    assert kept(found, keep=1, used_since="") == {"d", "b"}
    assert kept(found, keep=2, used_since="") == {"d", "c", "b"}
    assert kept(found, keep=9, used_since="") == {"a", "b", "c", "d"}


def test_going_back_makes_a_generation_one_that_was_used_last(story: Storyteller) -> None:
    story.run("rollback", *applied("a", "d", "wheel-a"))
    found = survey(story.records(), MACHINE)
    assert kept(found, keep=2, used_since="") == {"a", "d", "b"}


def test_what_was_used_since_stays(story: Storyteller) -> None:
    found = survey(story.records(), MACHINE)
    since = found.standing["c"].last_used
    assert kept(found, keep=1, used_since=since) == {"d", "c", "b"}


def test_lock_named_locks_and_generations_are_needed(story: Storyteller) -> None:
    found = survey(story.records(), MACHINE)
    assert found.needs({"d"}) == {"wheel-d", "wheel-b"}
    assert found.needs({"d", "a"}) == {"wheel-d", "wheel-b", "wheel-a"}


def test_what_was_collected_is_not_needed(story: Storyteller) -> None:
    story.run("gc", GenerationCollected(machine=MACHINE, generation="a"))
    found = survey(story.records(), MACHINE)
    assert "wheel-a" not in found.needs(found.standing)
    assert survey(story.records(), "another-machine").standing == {}


def test_a_source_and_the_wheels_built_of_it_stay_together(story: Storyteller) -> None:
    built = ArtifactBuilt(
        name="tin",
        version="1.0",
        filename="tin.whl",
        sha256="built",
        size=1,
        source_sha256="sdist",
        backend="",
        requires=(),
    )
    story.run("apply", built, *applied("e", "d", "built"))
    found = survey(story.records(), MACHINE)
    assert {"built", "sdist"} <= found.needs({"e"})
    story.run("lock", *lock_of("sdist"))
    assert {"built", "sdist"} <= survey(story.records(), MACHINE).needs(())


@pytest.mark.parametrize(
    ("text", "wanted"), [("45s", 45), ("90m", 5400), ("12h", 43_200), ("30d", 2_592_000)]
)
def test_spans_of_time(text: str, wanted: int) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "d", "1", "-1d", "1.5h", "1y", "1 d", "9999999999s"])
def test_what_is_no_span_of_time(text: str) -> None:
    with pytest.raises(UsageError):
        seconds(text)
