"""Who brought a package, and why not a newer version."""

from __future__ import annotations

import msgspec
from support.histories import (
    MACHINE,
    TARGET,
    Storyteller,
    installed,
    locked,
    resolved,
    switched,
    written,
)

from ppm.engine.why import changed, entered, returned, why_not_newer
from ppm.engine.why import installed as who_installed
from ppm.events.requirement import RequirementAdded
from ppm.events.resolution import CandidateRejected, LockAdopted, PackageUnlocked
from ppm.events.snapshot import RollbackRequested
from ppm.projections.story import Story, story

BACK = RollbackRequested(name="", seq=1)


def told(history: Storyteller) -> Story:
    return story(history.records(), "birch", MACHINE)


def rejected(version: str, reason: str) -> CandidateRejected:
    return CandidateRejected(name="birch", version=version, reason=reason)


def test_a_run_that_came_to_no_lock_says_nothing() -> None:
    history = Storyteller()
    history.run("lock", locked("birch", "1.0"), ends="cut short")
    history.run("lock", resolved())
    history.run("apply", installed("birch", "1.0"), ends="cut short")
    history.run("apply", switched("g"))
    assert told(history).lockings == told(history).installings == ()


def test_of_several_targets_the_one_in_question_is_told_of() -> None:
    history = Storyteller()
    both = [msgspec.structs.replace(locked("birch", "2.0"), target="elsewhere")]
    history.run("lock", *both, locked("birch", "1.0"), resolved())
    history.run("lock", locked("birch", "1.5", "1.0"), *both, resolved())
    for target, versions in ((TARGET, ["1.0", "1.5"]), ("elsewhere", ["2.0", "2.0"])):
        found = story(history.records(), "birch", MACHINE, target)
        assert [one.version for one in found.lockings] == versions


def test_newer_versions_are_named_with_their_reasons() -> None:
    history = Storyteller()
    history.run(
        "lock",
        rejected("2.0", "your project needs birch<2"),
        rejected("0.9", "older, of no interest"),
        locked("birch", "1.0"),
        resolved(),
    )
    newer = why_not_newer(told(history), "1.0")
    assert newer is not None
    assert newer.verdict == "rejected"
    assert [(one.version, one.reason) for one in newer.passed] == [
        ("2.0", "your project needs birch<2")
    ]


def test_reasons_of_an_earlier_choice_do_not_count_for_a_later_one() -> None:
    history = Storyteller()
    history.run("lock", rejected("2.0", "yanked"), locked("birch", "1.0"), resolved())
    history.run("lock", locked("birch", "2.0", "1.0"), resolved())
    newer = why_not_newer(told(history), "2.0")
    assert newer is not None
    assert newer.verdict == "none-known"
    assert newer.chosen.seq == history.seq - 1


def test_a_command_that_asked_for_the_lowest_is_the_reason() -> None:
    history = Storyteller()
    argv = ("--resolution", "lowest", "--exclude-newer=2026-01-01")
    history.run("lock", locked("birch", "1.0"), resolved(), argv=argv)
    newer = why_not_newer(told(history), "1.0")
    assert newer is not None
    assert newer.verdict == "lowest"
    assert newer.limits == ("--resolution lowest", "--exclude-newer=2026-01-01")


def test_an_adopted_version_was_not_chosen_here() -> None:
    history = Storyteller()
    adopted = LockAdopted(path="pylock.toml", sha256="2" * 64, targets=("t",))
    history.run("apply", locked("birch", "1.0"), adopted)
    newer = why_not_newer(told(history), "1.0")
    assert newer is not None
    assert newer.verdict == "adopted"


def test_what_a_rollback_brought_back_is_still_due_to_whom_it_was() -> None:
    history = Storyteller()
    asked = RequirementAdded(group="", name="birch", requirement="birch")
    add = history.run("add", written(), asked, locked("birch", "1.0"), resolved())
    apply = history.run("apply", installed("birch", "1.0"), switched("g"))
    gone = PackageUnlocked(target="t", name="birch", version="1.0")
    history.run("undo", BACK, gone, resolved(), switched(""))
    redo = history.run(
        "redo", BACK, written(), asked, locked("birch", "1.0"), resolved(),
        installed("birch", "1.0"), switched("g"),
    )  # fmt: skip
    found = told(history)
    deeds = [found.asked["", "birch"], entered(found), changed(found, "1.0")]
    assert [deed.verb for deed in deeds if deed is not None] == ["add"] * 3
    assert all(deed is not None and add < deed.seq < apply for deed in deeds)
    applied, again = who_installed(found, "1.0"), returned(found)
    assert applied is not None
    assert applied.verb == "apply"
    assert again is not None
    assert again.seq > redo
    newer = why_not_newer(found, "1.0")
    assert newer is not None
    assert newer.chosen.verb == "add"


def test_other_machines_install_for_themselves() -> None:
    history = Storyteller()
    history.run("apply", installed("birch", "1.0", machine="another"), switched("g", "another"))
    assert told(history).installings == ()
