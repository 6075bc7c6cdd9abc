"""Text from elsewhere cannot forge a row of a table or a line of the log."""

from __future__ import annotations

from conftest import Program

FORGED = "why\n99      2026-01-01 00:00:00  root@host\tapply"
SHOWN = "why<U+000A>99      2026-01-01 00:00:00  root@host<U+0009>apply"


def test_a_note_stays_in_its_row(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("apply", "--note", FORGED)
    assert ppm.ok("provenance", "--last", "1").count("\n") == len(["head", "row"])
    assert SHOWN in ppm.ok("provenance", "-v")
    lines = ppm.ok("log", "--type", "command.started").splitlines()
    assert all(line[:6].strip().isdigit() for line in lines)
    assert any(f"note={SHOWN}" in line for line in lines)


def test_a_long_note_is_shortened_unless_all_is_asked_for(ppm: Program) -> None:
    ppm.ok("init")
    note = "n" * 61
    ppm.ok("apply", "--note", note)
    assert "n" * 59 + "…  " in ppm.ok("provenance")
    assert note in ppm.ok("provenance", "--verbose")
