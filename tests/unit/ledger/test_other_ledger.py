"""Another ledger: read as the chain demands, appended only where ours ends where it continues."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from support.histories import Storyteller

from ppm.engine.errors import LedgerError
from ppm.engine.ledger.extend import extend
from ppm.engine.ledger.other import OtherLedger, open_other
from ppm.engine.paths import ProjectPaths
from ppm.events.envelope import Head


def story() -> tuple[Storyteller, Head]:
    """A history of two runs, and where the first one ended."""
    teller = Storyteller()
    last = teller.records()[-1]
    teller.run("apply")
    return teller, Head(last.seq, last.digest, last.end)


def project(folder: Path, lines: tuple[bytes, ...]) -> ProjectPaths:
    paths = ProjectPaths(folder)
    paths.data.mkdir(parents=True)
    paths.ledger.write_bytes(b"".join(lines))
    return paths


def test_lines_are_appended_where_they_continue_ours(tmp_path: Path) -> None:
    teller, fork = story()
    paths = project(tmp_path, teller.ledger.lines[: fork.seq])
    other = OtherLedger(io.BytesIO(b"".join(teller.ledger.lines)), "theirs")
    extend(paths, fork, other.lines_after(fork))
    assert paths.ledger.read_bytes() == b"".join(teller.ledger.lines)
    with pytest.raises(LedgerError, match="recorded meanwhile"):
        extend(paths, fork, other.lines_after(fork))
    assert paths.ledger.read_bytes() == b"".join(teller.ledger.lines)


def test_what_was_checked_is_what_is_read_again(tmp_path: Path) -> None:
    teller, _ = story()
    paths = project(tmp_path, teller.ledger.lines)
    with open_other(str(tmp_path), paths) as other:
        before = list(other.read())
        paths.ledger.write_bytes(b"something else\n")
        assert list(other.read()) == before == teller.records()


@pytest.mark.parametrize("end", [b"{", b"x" * ((16 << 20) + 1) + b"\n"])
def test_a_line_without_end_is_refused_by_its_number(end: bytes) -> None:
    teller, _ = story()
    data = b"".join(teller.ledger.lines) + end
    with pytest.raises(LedgerError, match=f"line {teller.seq + 1} of theirs: "):
        list(OtherLedger(io.BytesIO(data), "theirs").read())
