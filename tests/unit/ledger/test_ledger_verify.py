"""A ledger that was tampered with is told from a whole one, with the first line that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ppm.engine.clock import SteppingClock
from ppm.engine.errors import CheckpointError, LedgerError
from ppm.engine.keys import generate
from ppm.engine.ledger.checkpoint import Checkpoint, read_signed
from ppm.engine.ledger.file import FileLedger
from ppm.engine.ledger.note import sign_note
from ppm.engine.ledger.proof import Proof, parse_proof, prove
from ppm.engine.ledger.verify import Examined, examine, require_extension
from ppm.events.catalog import AnyEvent
from ppm.events.chain import leaf_hash, merkle_root, seal
from ppm.events.codec import Codec
from ppm.events.envelope import Draft, Head
from ppm.events.project import ProjectInitialized
from ppm.events.requirement import RequirementAdded
from ppm.events.trust import CheckpointSigned

BEGIN = ProjectInitialized(ledger="ledger-1", name="x", manifest="pypm.toml")


def added(text: str) -> RequirementAdded:
    return RequirementAdded(group="", name="x", requirement=text)


def sealed(events: Sequence[AnyEvent]) -> list[bytes]:
    """The lines of a ledger with these events, each with its newline."""
    drafts = [Draft(id="i", time="t", run="r", actor="a", event=event) for event in events]
    return seal(Head(), drafts, Codec())[0]


LINES = sealed([BEGIN, *(added(f"x>={number}") for number in range(2, 13))])


def look(folder: Path, lines: Sequence[bytes]) -> Examined:
    path = folder / "ledger.jsonl"
    path.write_bytes(b"".join(lines))
    clock = SteppingClock()
    return examine(path, FileLedger(path, folder / "write.lock", clock=clock, actor="a"))


def refusal(folder: Path, lines: Sequence[bytes]) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        look(folder, lines)
    return caught.value


def checkpoint_over(lines: Sequence[bytes]) -> Checkpoint:
    root = merkle_root([leaf_hash(line[:-1]) for line in lines])
    return Checkpoint(origin="ppm/ledger/ledger-1", size=len(lines), root=root)


def test_a_whole_ledger_is_whole_and_extends_each_of_its_beginnings(tmp_path: Path) -> None:
    found = look(tmp_path, LINES)
    assert (found.ledger, found.head.seq, found.unfinished) == ("ledger-1", 12, 0)
    assert found.head.end == (tmp_path / "ledger.jsonl").stat().st_size
    assert found.checkpoint() == checkpoint_over(LINES)
    for size in range(len(LINES) + 1):
        require_extension(tmp_path / "ledger.jsonl", found, checkpoint_over(LINES[:size]))


def test_a_line_that_is_being_written_is_not_one_yet(tmp_path: Path) -> None:
    found = look(tmp_path, [*LINES[:5], LINES[5][:-1]])
    assert (found.tree.size, found.unfinished) == (5, len(LINES[5]) - 1)
    assert found.checkpoint() == checkpoint_over(LINES[:5])


def test_batches_of_lines_join_where_the_reading_cut_them(tmp_path: Path) -> None:
    lines = sealed([BEGIN, *(added("x" * 700) for _ in range(2500))])
    assert sum(map(len, lines)) > 2 << 20
    assert look(tmp_path, lines).checkpoint() == checkpoint_over(lines)
    lines[2400] = lines[2400].replace(b"xxx", b"xyx", 1)
    assert "line 2401 " in refusal(tmp_path, lines).message


def changed(lines: Sequence[bytes], number: int, old: bytes, new: bytes) -> list[bytes]:
    assert old in lines[number - 1]
    line = lines[number - 1].replace(old, new)
    return [*lines[: number - 1], line, *lines[number:]]


TAMPERED: dict[str, tuple[list[bytes], int, str]] = {
    "an edited line": (changed(LINES, 3, b"x>=3", b"x>=9"), 3, "was changed"),
    "an edited first line": (changed(LINES, 1, b"pypm", b"pyqm"), 1, "was changed"),
    "an edited prev": (changed(LINES, 3, b'"prev":"', b'"prev":"f'), 3, "continue line 2"),
    "a line that is no event": (changed(LINES, 5, b'"group"', b'"grope"'), 5, "unknown field"),
    "a line in another spelling": (changed(LINES, 5, b'"seq":5', b'"seq": 5'), 5, "canonical"),
    "a line without an end": ([*LINES[:4], LINES[4][:-1], *LINES[5:]], 5, ""),
    "an empty line": ([*LINES[:4], b"\n", *LINES[4:]], 5, ""),
    "two lines in another order": ([*LINES[:3], LINES[4], LINES[3], *LINES[5:]], 4, "seq is 5"),
    "a line left out": ([*LINES[:3], *LINES[4:]], 4, "seq is 5, expected 4"),
    "a line twice": ([*LINES[:3], *LINES[2:]], 4, "seq is 3, expected 4"),
    "no first line": (LINES[1:], 1, "seq is 2"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_tampering_is_told_with_the_first_line_that_is_wrong(tmp_path: Path, what: str) -> None:
    lines, number, reason = TAMPERED[what]
    error = refusal(tmp_path, lines)
    assert error.code == "LEDGER_CORRUPT"
    assert error.message.startswith(f"line {number} of {tmp_path}")
    assert reason in error.message
    assert error.hint


def test_of_the_last_two_lines_either_may_have_been_changed(tmp_path: Path) -> None:
    for lines in (
        changed(LINES, 11, b"x>=11", b"x>=19"),
        changed(LINES, 12, b'"prev":"', b'"prev":"f'),
    ):
        error = refusal(tmp_path, lines)
        assert error.code == "LEDGER_CORRUPT"
        assert error.message.startswith(f"line 11 or 12 of {tmp_path}")


def test_a_line_and_those_after_it_may_be_changed_one_by_one(tmp_path: Path) -> None:
    # The chain is renewed over two lines and then no more: the third tells.
    renewed = sealed([BEGIN, added("x>=2"), added("x>=9"), added("x>=4")])
    error = refusal(tmp_path, [*renewed, *LINES[4:]])
    assert error.message.startswith("line 4 ")


def test_a_ledger_that_begins_with_something_else_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, sealed([added("x>=1")]))
    assert (error.code, "line 1 " in error.message) == ("LEDGER_CORRUPT", True)


def test_an_event_of_a_newer_version_is_no_tampering(tmp_path: Path) -> None:
    error = refusal(tmp_path, changed(LINES, 4, b"requirement.added/1", b"requirement.added/9"))
    assert (error.code, "line 4 " in error.message) == ("LEDGER_TOO_NEW", True)


def test_a_merge_conflict_is_called_by_its_name(tmp_path: Path) -> None:
    error = refusal(tmp_path, [*LINES[:4], b"<<<<<<< HEAD\n", *LINES[4:]])
    assert (error.code, "line 5 " in error.message) == ("LEDGER_CONFLICT", True)


def written_anew(number: int) -> list[bytes]:
    """A ledger whose chain is whole, with another event in line ``number``."""
    events: list[AnyEvent] = [BEGIN, *(added(f"x>={one}") for one in range(2, 13))]
    events[number - 1] = added("evil")
    return sealed(events)


AGAINST: dict[str, tuple[list[bytes], str, str]] = {
    "cut": (LINES[:9], "LEDGER_TRUNCATED", "from line 10 on"),
    "cut by one": (LINES[:9], "LEDGER_TRUNCATED", "ends after line 9"),
    "cut and filled up": (
        [*sealed([BEGIN, *(added(f"x>={one}") for one in range(2, 10)), *[added("new")] * 5])],
        "LEDGER_FORKED",
        "lines 1 to 10 ",
    ),
    "written anew from the third line": (written_anew(3), "LEDGER_FORKED", "lines 1 to 10 "),
    "written anew from the last line": (written_anew(10), "LEDGER_FORKED", "lines 1 to 10 "),
    "another order, written anew": (
        sealed([BEGIN, *(added(f"x>={one}") for one in (3, 2, *range(4, 13)))]),
        "LEDGER_FORKED",
        "lines 1 to 10 ",
    ),
}


@pytest.mark.parametrize("what", AGAINST)
def test_what_the_chain_cannot_show_an_older_checkpoint_does(tmp_path: Path, what: str) -> None:
    lines, code, reason = AGAINST[what]
    found = look(tmp_path, lines)
    with pytest.raises(LedgerError, match=reason) as caught:
        require_extension(tmp_path / "ledger.jsonl", found, checkpoint_over(LINES[:10]))
    assert caught.value.code == code
    assert caught.value.hint


def test_a_change_after_the_checkpoint_is_none_of_its_business(tmp_path: Path) -> None:
    found = look(tmp_path, written_anew(11))
    require_extension(tmp_path / "ledger.jsonl", found, checkpoint_over(LINES[:10]))


def signed_after(events: Sequence[AnyEvent], size: int) -> CheckpointSigned:
    root = checkpoint_over(sealed(events[:size])).root.hex()
    return CheckpointSigned(key="key", seq=size, root=root)


def test_a_ledger_that_contradicts_a_checkpoint_it_names_is_refused(tmp_path: Path) -> None:
    events: list[AnyEvent] = [BEGIN, *(added(f"x>={one}") for one in range(2, 6))]
    events += [signed_after(events, 3), added("x>=7")]
    events += [signed_after(events, 7), added("x>=9")]
    assert [line for line, _ in look(tmp_path, sealed(events)).signed] == [6, 8]
    events[3] = added("evil")
    error = refusal(tmp_path, sealed(events))
    assert (error.code, "lines 4 to 7 " in error.message) == ("LEDGER_FORKED", True)
    events[2] = added("evil")
    error = refusal(tmp_path, sealed(events))
    assert (error.code, "lines 1 to 3 " in error.message) == ("LEDGER_FORKED", True)


def test_a_checkpoint_over_what_was_not_there_yet_is_refused(tmp_path: Path) -> None:
    events: list[AnyEvent] = [BEGIN]
    events += [CheckpointSigned(key="key", seq=2, root="00" * 32), added("x>=3")]
    error = refusal(tmp_path, sealed(events))
    assert (error.code, "line 2 " in error.message) == ("LEDGER_CORRUPT", True)


def test_every_line_is_proven_and_no_other(tmp_path: Path) -> None:
    found, path = look(tmp_path, LINES), tmp_path / "ledger.jsonl"
    key = generate()
    signed = read_signed(sign_note(checkpoint_over(LINES[:10]).text, "name", key))
    for seq in range(1, 11):
        proof = prove(path, found, seq, signed)
        assert (proof.line, proof.index) == (LINES[seq - 1][:-1], seq - 1)
        assert parse_proof(proof.render()) == proof
        proof.require_inclusion()
        for other in {*range(10)} - {proof.index}:
            moved = Proof(
                line=proof.line, index=other, hashes=proof.hashes, checkpoint=proof.checkpoint
            )
            with pytest.raises(CheckpointError, match="does not lead"):
                moved.require_inclusion()
    for seq in (0, 11, -1):
        with pytest.raises(LedgerError, match="events 1 to 10") as caught:
            prove(path, found, seq, signed)
        assert caught.value.code == "UNKNOWN_EVENT"


def test_an_unsigned_proof_is_to_the_root_of_now(tmp_path: Path) -> None:
    found = look(tmp_path, LINES)
    proof = prove(tmp_path / "ledger.jsonl", found, 12)
    assert proof.checkpoint == checkpoint_over(LINES)
    assert parse_proof(proof.render()) == proof


def broken(change: Callable[[list[str]], object]) -> bytes:
    """A proof file with its lines changed."""
    found, tree = Examined(), checkpoint_over(LINES)
    found.tree.extend(line[:-1] for line in LINES)
    proof = Proof(
        line=LINES[3][:-1],
        index=3,
        hashes=tuple(found.tree.inclusion(3)),
        checkpoint=tree,
        signed=read_signed(sign_note(tree.text, "name", generate())),
    )
    lines = proof.render().decode().split("\n")
    change(lines)
    return "\n".join(lines).encode()


MALFORMED_PROOFS: dict[str, Callable[[list[str]], object]] = {
    "another kind": lambda lines: lines.__setitem__(0, "c2sp.org/tlog-proof@v2"),
    "no line": lambda lines: lines.pop(1),
    "no base64": lambda lines: lines.__setitem__(1, "extra !"),
    "no index": lambda lines: lines.pop(2),
    "a leading zero": lambda lines: lines.__setitem__(2, "index 03"),
    "a negative index": lambda lines: lines.__setitem__(2, "index -3"),
    "a short hash": lambda lines: lines.__setitem__(3, "AAAA"),
    "no checkpoint": lambda lines: lines.__delitem__(slice(7, None)),
    "a broken note": lambda lines: lines.__setitem__(-2, "- name AAAA"),
    "a broken checkpoint": lambda lines: lines.__setitem__(-5, "0x1"),
    "letters beyond ASCII": lambda lines: lines.__setitem__(0, "c2sp.org/tlog-proof\u00ae"),
}


@pytest.mark.parametrize("what", MALFORMED_PROOFS)
def test_a_malformed_proof_is_refused(what: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        parse_proof(broken(MALFORMED_PROOFS[what]))
    assert caught.value.code == "CHECKPOINT_INVALID"
    parse_proof(broken(lambda _: None)).require_inclusion()
