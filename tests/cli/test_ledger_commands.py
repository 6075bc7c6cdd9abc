"""Checkpoints and proofs through the program, checked by a shell, openssl and tampering."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Program

from ppm.engine.clock import SystemClock
from ppm.engine.keys import generate, load_private, write_pair
from ppm.engine.operations.checkpoint import sign_checkpoint
from ppm.engine.paths import ProjectPaths
from ppm.engine.transaction import Invocation, transaction
from ppm.events.catalog import AnyEvent
from ppm.events.chain import seal
from ppm.events.codec import Codec
from ppm.events.envelope import Draft, Head
from ppm.events.project import ProjectInitialized
from ppm.events.requirement import RequirementAdded

PAGE = Path(__file__).resolve().parents[2] / "docs/ledger.md"


def shell(heading: str) -> str:
    """The shell program below a heading of the ledger's page."""
    _, _, below = PAGE.read_text(encoding="utf-8").partition(f"\n### {heading}\n")
    found = re.search(r"^```sh\n(.*?)^```$", below, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


def run_shell(program: str, folder: Path) -> str:
    ended = subprocess.run(
        ["sh", "-c", program], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def ledger_of(ppm: Program) -> Path:
    return ppm.directory / ".ppm/ledger.jsonl"


SIZE = 7
"""How many lines the checkpoint of the fixture is over: two whole runs and its own start."""


@pytest.fixture
def project(ppm: Program) -> Program:
    """A project with a key pair, some history, a checkpoint of it in ``kept``, more history."""
    paths = ProjectPaths(ppm.directory)
    paths.data.mkdir()
    private = ppm.directory / "k.priv"
    write_pair(generate(), private, ppm.directory / "k.pub", replace=False)
    change(paths, ProjectInitialized(ledger="ledger-1", name="x", manifest="pypm.toml"))
    change(paths, RequirementAdded(group="", name="one", requirement="one"))
    with transaction(paths, SystemClock(), Invocation(verb="checkpoint", actor="a@b")) as run:
        sign_checkpoint(run, load_private(private), ppm.directory / "kept")
    change(paths, RequirementAdded(group="", name="two", requirement="two"))
    return ppm


def change(paths: ProjectPaths, event: AnyEvent) -> None:
    with transaction(paths, SystemClock(), Invocation(verb="change", actor="a@b")) as run:
        run.record([event])


def refused(ppm: Program, *arguments: str | Path) -> str:
    """Run, expect a failure that leaves the ledger as it is, return what it said."""
    before = ledger_of(ppm).read_bytes()
    ended = ppm.run(*arguments)
    assert (ended.returncode, ended.stdout) == (1, ""), ended
    assert ledger_of(ppm).read_bytes() == before
    return ended.stderr


def test_a_ledger_extends_the_checkpoint_that_was_signed(project: Program) -> None:
    told = project.ok("ledger", "verify", "--against", "kept", "--pub", "k.pub")
    size = json.loads(project.ok("ledger", "verify", "--json"))["size"]
    assert told.startswith(f"{size - 1} events, head ")
    assert f"extends the checkpoint over {SIZE} events\nsigned by ppm/ledger/ledger-1+" in told
    answer = json.loads(
        project.ok("ledger", "verify", "--against", "kept", "--pub", "k.pub", "--json")
    )
    (signer,) = answer["against"]["signed_by"]
    assert answer["against"]["size"] == SIZE
    assert (answer["ok"], answer["checkpoints"], answer["unfinished"]) == (True, 1, 0)
    assert project.ok("ledger", "verify", "--against", "kept", "--pub", signer)


def test_from_a_new_key_to_a_verified_proof(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("keygen", "--out-priv", "k.priv", "--out-pub", "k.pub")
    ppm.ok("ledger", "checkpoint", "--sk", "k.priv", "--out", "kept")
    ppm.ok("snapshot", "--name", "one")
    ppm.ok("ledger", "verify", "--against", "kept", "--pub", "k.pub")
    ppm.ok("ledger", "prove", "1", "--against", "kept", "--out", "proof")
    assert "project.initialized/1" in ppm.ok(
        "ledger", "verify", "--proof", "proof", "--pub", "k.pub"
    )
    ppm.ok("replay", "--check")


def test_without_a_key_it_says_that_the_signature_was_not_checked(project: Program) -> None:
    ended = project.run("ledger", "verify", "--against", "kept")
    assert ended.returncode == 0
    assert "signature was not checked" in ended.stderr
    assert project.run("ledger", "verify", "--pub", "k.pub").returncode == 2


def test_a_shell_computes_the_same_root(project: Program) -> None:
    copy = project.directory / "copy"
    (copy / ".ppm").mkdir(parents=True)
    answer = json.loads(project.ok("ledger", "verify", "--json"))
    lines = ledger_of(project).read_bytes().splitlines(keepends=True)
    (copy / ".ppm/ledger.jsonl").write_bytes(b"".join(lines[: answer["size"]]))
    assert run_shell(shell("The root in a POSIX shell"), copy).strip() == answer["root"]


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not here")
def test_openssl_verifies_the_signature(project: Program) -> None:
    program = shell("The signature with openssl")
    told = run_shell(
        program.replace("checkpoint.txt", "kept").replace("ed25519.pub", "k.pub"), project.directory
    )
    assert "Verified Successfully" in told


def test_signing_is_an_event_with_what_was_signed(project: Program) -> None:
    events = [json.loads(line) for line in ledger_of(project).read_bytes().splitlines()]
    (signed,) = [event for event in events if event["type"] == "checkpoint.signed/1"]
    assert signed["data"]["seq"] == signed["seq"] - 1
    assert signed["data"]["key"] in project.ok(
        "ledger", "verify", "--against", "kept", "--pub", "k.pub"
    )
    assert f"checkpoint over {SIZE} events" in project.ok("provenance", "--last", "2")


def test_a_checkpoint_is_written_to_standard_output_as_to_a_file(project: Program) -> None:
    note = project.ok("ledger", "checkpoint", "--sk", "k.priv")
    (project.directory / "other").write_text(note, encoding="utf-8")
    assert project.ok("ledger", "verify", "--against", "other", "--pub", "k.pub")
    answer = json.loads(project.ok("ledger", "checkpoint", "--sk", "k.priv", "--json"))
    assert answer["note"].startswith(f"{answer['origin']}\n{answer['size']}\n")
    assert answer["key"].startswith(answer["origin"] + "+")


def rewritten(lines: list[bytes], number: int) -> list[bytes]:
    """The ledger with another event in line ``number`` and the chain renewed from there on."""
    codec = Codec()
    drafts = []
    for at, line in enumerate(lines, 1):
        envelope, event = codec.decode(line.removesuffix(b"\n"))
        if at == number:
            event = RequirementAdded(group="", name="evil", requirement="evil")
        drafts.append(
            Draft(
                id=envelope.id,
                time=envelope.time,
                run=envelope.run,
                actor=envelope.actor,
                event=event,
            )
        )
    return seal(Head(), drafts, codec)[0]


def test_each_way_of_tampering_is_told_by_its_code(project: Program) -> None:
    ledger = ledger_of(project)
    whole = ledger.read_bytes().splitlines(keepends=True)
    edited = [*whole[:2], whole[2].replace(b'"actor":"', b'"actor":"x'), *whole[3:]]
    swapped = [*whole[:3], whole[4], whole[3], *whole[5:]]
    forked = rewritten(whole, 3)[:SIZE]
    for lines, code, place in (
        (edited, "LEDGER_CORRUPT", "line 3 of"),
        (swapped, "LEDGER_CORRUPT", "line 4 of"),
        (whole[:5], "LEDGER_TRUNCATED", "from line 6 on"),
        (forked, "LEDGER_FORKED", f"lines 1 to {SIZE} of"),
        (rewritten(whole, 3), "LEDGER_FORKED", f"lines 1 to {SIZE} of"),
    ):
        ledger.write_bytes(b"".join(lines))
        told = refused(project, "ledger", "verify", "--against", "kept", "--pub", "k.pub")
        assert told.startswith(f"error[{code}]: ")
        assert place in told
        assert "hint: " in told
    for lines, status in ((edited, 1), (swapped, 1), (whole[:5], 0), (forked, 0)):
        ledger.write_bytes(b"".join(lines))
        assert project.run("ledger", "verify").returncode == status


def test_a_checkpoint_that_was_kept_is_not_replaced_by_one_of_a_tampered_ledger(
    project: Program,
) -> None:
    ledger, kept = ledger_of(project), (project.directory / "kept").read_bytes()
    whole = ledger.read_bytes().splitlines(keepends=True)
    for lines, code in ((whole[:3], "LEDGER_TRUNCATED"), (rewritten(whole, 3), "LEDGER_FORKED")):
        ledger.write_bytes(b"".join(lines))
        ended = project.run("ledger", "checkpoint", "--sk", "k.priv", "--out", "kept")
        assert (ended.returncode, f"error[{code}]" in ended.stderr) == (1, True)
        assert (project.directory / "kept").read_bytes() == kept
    ledger.write_bytes(b"".join(whole))
    project.ok("ledger", "checkpoint", "--sk", "k.priv", "--out", "kept")
    assert (project.directory / "kept").read_bytes() != kept


def test_a_checkpoint_does_not_replace_another_file(project: Program) -> None:
    before = (project.directory / "k.pub").read_bytes()
    ended = project.run("ledger", "checkpoint", "--sk", "k.priv", "--out", "k.pub")
    assert "error[CHECKPOINT_INVALID]: k.pub exists and is no checkpoint" in ended.stderr
    assert (project.directory / "k.pub").read_bytes() == before


def test_a_checkpoint_by_another_key_or_of_another_ledger_is_refused(
    project: Program, tmp_path: Path
) -> None:
    project.ok("keygen", "--out-priv", "other.priv", "--out-pub", "other.pub")
    ended = project.run("ledger", "verify", "--against", "kept", "--pub", "other.pub")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error[CHECKPOINT_UNKNOWN_KEY]")
    other = Program(tmp_path / "other")
    other.directory.mkdir()
    other.ok("init")
    kept = project.directory / "kept"
    ended = other.run("ledger", "verify", "--against", kept)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error[CHECKPOINT_INVALID]: the checkpoint is of ppm/ledger/")
    forged = kept.read_text(encoding="utf-8").replace(f"\n{SIZE}\n", f"\n{SIZE - 1}\n")
    kept.write_text(forged, encoding="utf-8")
    ended = project.run("ledger", "verify", "--against", "kept", "--pub", "k.pub")
    assert "error[CHECKPOINT_INVALID]: the signature of ppm/ledger/" in ended.stderr


def test_a_proof_is_checked_without_the_ledger(project: Program, tmp_path: Path) -> None:
    line = ledger_of(project).read_bytes().splitlines()[3].decode()
    project.ok("ledger", "prove", "4", "--against", "kept", "--out", "p.tlog-proof")
    elsewhere = Program(tmp_path / "elsewhere")
    elsewhere.directory.mkdir()
    for name in ("p.tlog-proof", "k.pub", "kept"):
        (project.directory / name).rename(elsewhere.directory / name)
    verify = ("ledger", "verify", "--proof", "p.tlog-proof")
    assert f"event 4 of {SIZE} of ppm/ledger/ledger-1:" in elsewhere.ok(
        *verify, "--against", "kept"
    )
    answer = json.loads(elsewhere.ok(*verify, "--pub", "k.pub", "--json"))
    assert (answer["seq"], answer["line"], answer["size"]) == (4, line, SIZE)
    assert len(answer["signed_by"]) == 1
    assert elsewhere.run(*verify).returncode == 2
    proof = elsewhere.directory / "p.tlog-proof"
    proof.write_bytes(proof.read_bytes().replace(b"index 3", b"index 2"))
    ended = elsewhere.run(*verify, "--pub", "k.pub")
    assert ended.stderr.startswith("error[CHECKPOINT_INVALID]: the proof does not lead")
    assert not (elsewhere.directory / ".ppm").exists()


def test_an_unsigned_proof_anchors_to_no_key(project: Program) -> None:
    ended = project.run("ledger", "prove", "4")
    assert "nobody signed" in ended.stderr
    (project.directory / "p").write_text(ended.stdout, encoding="utf-8")
    ended = project.run("ledger", "verify", "--proof", "p", "--pub", "k.pub")
    assert "error[CHECKPOINT_INVALID]: the proof's checkpoint is not signed" in ended.stderr
    ended = project.run("ledger", "verify", "--proof", "p", "--against", "kept")
    assert "error[CHECKPOINT_INVALID]: the proof leads to another checkpoint" in ended.stderr


def test_only_events_under_the_checkpoint_are_proven(project: Program) -> None:
    told = refused(project, "ledger", "prove", str(SIZE + 1), "--against", "kept")
    assert told.startswith(f"error[UNKNOWN_EVENT]: no event {SIZE + 1} to prove")


def test_an_export_is_the_ledger_to_the_byte(project: Program) -> None:
    before = ledger_of(project).read_bytes()
    assert project.ok("ledger", "export").encode() == before
    project.ok("ledger", "export", "--out", "copy.jsonl")
    copy = (project.directory / "copy.jsonl").read_bytes()
    assert copy.startswith(before)
    assert len(copy.splitlines()) == len(before.splitlines()) + 1
    answer = json.loads(project.ok("ledger", "export", "--json"))
    assert "".join(f"{line}\n" for line in answer["lines"]).encode().startswith(copy)
    assert len(answer["lines"]) == answer["size"]
    lines = before.splitlines(keepends=True)
    ledger_of(project).write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert refused(project, "ledger", "export").startswith("error[LEDGER_CORRUPT]: line 3 of")


def test_keys_are_made_anywhere_and_never_lost_by_accident(ppm: Program) -> None:
    make = ("keygen", "--out-priv", "a", "--out-pub", "b")
    assert ppm.ok(*make) == "private key a\npublic key  b\n"
    private = (ppm.directory / "a").read_bytes()
    assert (ppm.directory / "a").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in ppm.directory.iterdir()) == ["a", "b"]
    ended = ppm.run(*make)
    assert (ended.returncode, "error[KEY_EXISTS]: " in ended.stderr) == (1, True)
    assert (ppm.directory / "a").read_bytes() == private
    ppm.ok(*make, "--force")
    assert (ppm.directory / "a").read_bytes() != private
    assert ppm.run("keygen", "--out-priv", "c", "--out-pub", "c").returncode == 2
    ppm.ok("init")
    ppm.ok(*make, "--force", "--json")
    assert "keygen" in ppm.ok("provenance", "--last", "1", "--all")
    ledger_of(ppm).write_bytes(b"no ledger\n")
    ppm.ok(*make, "--force")
    assert ledger_of(ppm).read_bytes() == b"no ledger\n"


def test_an_exposed_key_signs_nothing(project: Program) -> None:
    (project.directory / "k.priv").chmod(0o644)
    ended = project.run("ledger", "checkpoint", "--sk", "k.priv", "--out", "new")
    assert (ended.returncode, "error[KEY_EXPOSED]: " in ended.stderr) == (1, True)
    assert not (project.directory / "new").exists()
    assert project.ok("ledger", "verify", "--against", "kept", "--pub", "k.pub")
