"""What ``ppm import`` and ``ppm replay`` refuse, and what they only warn of."""

from __future__ import annotations

from pathlib import Path

from conftest import Program, PublishedIndex


def write(ppm: Program, text: str) -> Path:
    path = ppm.directory / "wanted.txt"
    path.write_text(text)
    return path


def test_a_requirement_that_is_not_followed_is_an_error(
    local_index: PublishedIndex, ppm: Program
) -> None:
    local_index.publish("ash", "1.0")
    ppm.ok("init")
    told = ppm.run("import", "--from-file", write(ppm, "ash\ngit+https://git.example/x\n"))
    assert told.returncode == 1
    assert "error[UNSUPPORTED_REQUIREMENT]" in told.stderr
    assert "wanted.txt:2: git+https://git.example/x" in told.stderr
    assert "ash" not in (ppm.directory / "pypm.toml").read_text()


def test_an_option_that_is_not_followed_is_named(local_index: PublishedIndex, ppm: Program) -> None:
    local_index.publish("ash", "1.0")
    ppm.ok("init")
    file = write(ppm, "--extra-index-url https://user:hunter2@two.example/\n--pre\nash\n")
    told = ppm.run("import", "--from-file", file)
    assert told.returncode == 0, told.stderr
    assert "warning: not followed: wanted.txt: --extra-index-url" in told.stderr
    assert "warning: not followed: wanted.txt: --pre" in told.stderr
    assert "hunter2" not in told.stderr


def test_hashes_are_checked_against_what_is_locked_already(
    local_index: PublishedIndex, ppm: Program
) -> None:
    local_index.publish("ash", "1.0")
    ppm.ok("init")
    ppm.ok("import", "ash")
    told = ppm.run("import", "--from-file", write(ppm, f"ash --hash=sha256:{'0' * 64}\n"))
    assert told.returncode == 1
    assert "error[HASH_MISMATCH]" in told.stderr


def test_a_broken_lock_is_left_by_its_hint(local_index: PublishedIndex, ppm: Program) -> None:
    local_index.publish("ash", "1.0")
    ppm.ok("init")
    ppm.ok("add", "ash", "--lock")
    lock = ppm.directory / "pylock.toml"
    lock.write_text("garbage")
    told = ppm.run("lock")
    assert "hint: remove pylock.toml and run `ppm lock`, or restore it" in told.stderr
    lock.unlink()
    ppm.ok("lock")
    assert "ash" in lock.read_text()


def test_replay_compares_only_today_and_knows_where_history_ends(ppm: Program) -> None:
    ppm.ok("init")
    for point in (("--at", "1"), ("--until", "1")):
        told = ppm.run("replay", *point, "--check")
        assert told.returncode == 2
        assert "--check compares today's files" in told.stderr
    for option in ("--at", "--until"):
        told = ppm.run("replay", option, "9999")
        assert told.returncode == 1
        assert "error[UNKNOWN_MOMENT]" in told.stderr
