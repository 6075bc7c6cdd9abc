"""Receipts through the program: signed, verified, told to the ledger, checked by others' tools."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import Program
from support.host_lanes import host_library

from ppm.engine.clock import SystemClock
from ppm.engine.keys import load_private
from ppm.engine.paths import ProjectPaths
from ppm.engine.projector import load, write
from ppm.engine.publickey import public_of
from ppm.engine.transaction import open_ledger
from ppm.projections.state import TrustedKey

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/trust.md"
HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
RECEIPT = "F.receipt.json"
VERIFY = ("verify", "--receipt", RECEIPT, "--file", "F")


def code_below(heading: str, language: str) -> str:
    """The program below a heading of the page, for the file ``F``."""
    _, _, below = PAGE.read_text(encoding="utf-8").partition(f"\n### {heading}\n")
    found = re.search(rf"^```{language}\n(.*?)^```$", below, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    program: str = found[1]
    return program.replace("demo-1.0-py3-none-any.whl", "F")


def events(ppm: Program) -> list[dict[str, Any]]:
    lines = (ppm.directory / ".ppm/ledger.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def told(ppm: Program, word: str) -> list[dict[str, Any]]:
    return [event["data"] for event in events(ppm) if event["type"] == word]


def refused(ppm: Program, *arguments: str | Path, code: str, status: int = 1) -> str:
    ended = ppm.run(*arguments)
    assert (ended.returncode, ended.stdout) == (status, ""), ended
    assert ended.stderr.startswith(f"error[{code}]: "), ended.stderr
    return ended.stderr


def new_key(ppm: Program, name: str = "key") -> None:
    ppm.ok("keygen", "--out-priv", name, "--out-pub", f"{name}.pub")


@pytest.fixture
def outside(ppm: Program) -> Program:
    """A folder that is no project, with a key pair and the file ``F``."""
    new_key(ppm)
    (ppm.directory / "F").write_bytes(b"hello\n")
    return ppm


@pytest.fixture
def project(outside: Program) -> Program:
    """The same in a project."""
    outside.ok("init")
    return outside


@pytest.fixture
def signed(project: Program) -> Program:
    """The same with a receipt."""
    project.ok("sign", "--sk", "key", "--file", "F")
    return project


def test_from_a_key_to_a_trusted_receipt(signed: Program) -> None:
    assert "RECEIPT_UNKNOWN_KEY" in refused(signed, *VERIFY, code="RECEIPT_UNKNOWN_KEY")
    said = signed.run(*VERIFY).stderr
    assert "valid signature by an unknown key: " in said
    assert "hint: " in said
    assert "signed by key " in signed.ok(*VERIFY, "--pub", "key.pub")
    added = signed.ok("trust", "add", "key.pub", "--name", "release")
    assert added.startswith("trusted release, key ")
    assert "signed by release, key " in signed.ok(*VERIFY)
    assert signed.ok("trust", "list").count("  release  event ") == 1
    signed.ok("trust", "remove", "key.pub")
    refused(signed, *VERIFY, code="RECEIPT_UNKNOWN_KEY")
    signed.ok("replay", "--check")
    signed.ok("ledger", "verify")


def test_a_receipt_tells_the_file_the_key_and_the_ledger(signed: Program) -> None:
    (found,) = told(signed, "receipt.signed/1")
    answer = json.loads(signed.ok(*VERIFY, "--pub", "key.pub", "--json"))
    receipt = answer["receipt"]
    assert (receipt["name"], receipt["size"], receipt["sha256"]) == ("F", 6, HELLO)
    assert found == {name: receipt[name] for name in ("name", "size", "sha256", "device", "key")}
    history = events(signed)
    assert receipt["ledger"]["id"] == history[0]["data"]["ledger"]
    place = receipt["ledger"]["seq"]
    assert (history[place - 1]["type"], history[place - 1]["data"]["verb"]) == (
        "command.started/1",
        "sign",
    )
    assert history[place]["prev"] == receipt["ledger"]["digest"]
    assert history[place]["type"] == "receipt.signed/1"
    assert answer["ok"]
    assert answer["problems"] == []
    assert answer["signed_by"] == {"key": receipt["key"], "name": ""}


def test_what_was_verified_is_recorded_and_moves_no_projection(signed: Program) -> None:
    before = (signed.directory / ".ppm/state.json").read_bytes()
    signed.ok(*VERIFY, "--pub", "key.pub")
    signed.run(*VERIFY)
    (signed.directory / "F").write_bytes(b"hello!\n")
    answer = signed.run(*VERIFY, "--json")
    assert answer.returncode == 1
    assert not json.loads(answer.stdout)["ok"]
    assert [one["problems"] for one in told(signed, "receipt.verified/1")] == [
        [],
        ["RECEIPT_UNKNOWN_KEY"],
        ["RECEIPT_SIZE", "RECEIPT_UNKNOWN_KEY"],
    ]
    assert told(signed, "query.answered/1")[-1]["code"] == "RECEIPT_SIZE"
    assert (signed.directory / ".ppm/state.json").read_bytes() == before
    signed.ok("replay", "--check")


def test_outside_a_project_nothing_is_recorded(outside: Program) -> None:
    answer = json.loads(outside.ok("sign", "--sk", "key", "--file", "F", "--json"))
    assert answer["ledger"] is None
    assert "signed by key " in outside.ok(*VERIFY, "--pub", "key.pub")
    refused(outside, *VERIFY, code="RECEIPT_UNKNOWN_KEY")
    refused(outside, "trust", "add", "key.pub", code="NO_PROJECT")
    refused(outside, *VERIFY, "--project", ".", code="NO_PROJECT")
    names = sorted(path.name for path in outside.directory.iterdir())
    assert names == ["F", RECEIPT, "key", "key.pub"]


def test_a_project_without_its_history_is_not_taken_for_none(signed: Program) -> None:
    (signed.directory / ".ppm/ledger.jsonl").unlink()
    refused(signed, "sign", "--sk", "key", "--file", "F", code="NO_PROJECT")


def test_another_files_receipt_and_another_key_are_refused(signed: Program) -> None:
    new_key(signed, "other")
    refused(signed, *VERIFY, "--pub", "other.pub", code="RECEIPT_UNKNOWN_KEY")
    assert signed.ok(*VERIFY, "--pub", "other.pub", "--pub", "key.pub")
    file = signed.directory / "F"
    file.write_bytes(b"Hello\n")
    said = refused(signed, *VERIFY, "--pub", "key.pub", code="RECEIPT_DIGEST")
    assert HELLO in said
    refused(signed, *VERIFY, "--pub", "other.pub", code="RECEIPT_DIGEST")
    file.rename(signed.directory / "G")
    (signed.directory / "G").write_bytes(b"hello\n")
    renamed = signed.ok("verify", "--receipt", RECEIPT, "--file", "G", "--pub", "key.pub")
    assert renamed.startswith("G: 6 bytes")
    assert ", as F, " in renamed


def test_a_changed_receipt_is_refused_and_recorded_by_its_code(signed: Program) -> None:
    path = signed.directory / RECEIPT
    whole = path.read_bytes()
    for old, new, code in (
        (b'"keyid": "', b'"keyid": "0', "RECEIPT_KEY_ID"),
        (b'"sig": "', b'"sig": "AAAA', "RECEIPT_SIGNATURE"),
        (b"receipt.v1", b"receipt.v2", "RECEIPT_MALFORMED"),
        (b"{", b"[", "RECEIPT_MALFORMED"),
    ):
        path.write_bytes(whole.replace(old, new, 1))
        refused(signed, *VERIFY, "--pub", "key.pub", code=code)
        assert told(signed, "query.answered/1")[-1]["code"] == code
    assert told(signed, "receipt.verified/1") == []


def test_control_characters_in_names_do_not_reach_the_terminal(project: Program) -> None:
    name = "F\nerror: \x1b[31mno\u202e"
    (project.directory / name).write_bytes(b"hello\n")
    said = project.ok("sign", "--sk", "key", "--file", name)
    out = f"{name}.receipt.json"
    said += project.ok("verify", "--receipt", out, "--file", name, "--pub", "key.pub")
    said += project.ok("trust", "add", "key.pub", "--name", name)
    said += project.ok("trust", "list") + project.ok("provenance", "--last", "9", "--all")
    assert "<U+000A>error: <U+001B>[31mno<U+202E>" in said
    assert all(line.isprintable() for line in said.splitlines())
    assert not re.search(r"^error: ", said, re.MULTILINE)


def test_a_receipt_is_replaced_and_nothing_else_is(signed: Program) -> None:
    folder = signed.directory
    (folder / "F").write_bytes(b"second\n")
    signed.ok("sign", "--sk", "key", "--file", "F")
    assert signed.ok(*VERIFY, "--pub", "key.pub")
    (folder / "G").write_bytes(b"hello\n")
    for out in (RECEIPT, "key", "key.pub"):
        before = (folder / out).read_bytes()
        refused(signed, "sign", "--sk", "key", "--file", "G", "--out", out, code="RECEIPT_EXISTS")
        assert (folder / out).read_bytes() == before
    for out in ("G", "./G", ".ppm/x", "pypm.toml", ".", "no/where"):
        ended = signed.run("sign", "--sk", "key", "--file", "G", "--out", out)
        assert ended.returncode in (1, 2), out
    assert (folder / "G").read_bytes() == b"hello\n"
    assert not (folder / "G.receipt.json").exists()
    assert len(told(signed, "receipt.signed/1")) == 2


def test_what_cannot_be_signed_for_is_told(project: Program) -> None:
    folder = project.directory
    refused(project, "sign", "--sk", "key", "--file", "none", code="NO_SUCH_FILE")
    refused(project, "sign", "--sk", "key", "--file", ".ppm", code="NOT_A_FILE")
    os.mkfifo(folder / "pipe")
    refused(project, "sign", "--sk", "key", "--file", "pipe", code="NOT_A_FILE")
    refused(project, "sign", "--sk", "key.pub", "--file", "F", code="KEY_INVALID")
    (folder / "key").chmod(0o640)
    refused(project, "sign", "--sk", "key", "--file", "F", code="KEY_EXPOSED")
    assert [one["code"] for one in told(project, "command.failed/1")][-1] == "KEY_EXPOSED"
    assert not (folder / RECEIPT).exists()
    assert told(project, "receipt.signed/1") == []


def test_an_empty_file_is_signed_for(project: Program) -> None:
    (project.directory / "F").write_bytes(b"")
    project.ok("sign", "--sk", "key", "--file", "F")
    assert project.ok(*VERIFY, "--pub", "key.pub").startswith("F: 0 bytes, SHA-256 e3b0c442")


@pytest.mark.parametrize(
    "words",
    [
        ("--receipt", RECEIPT),
        ("--file", "F"),
        ("--pub", "key.pub"),
        ("--receipt", RECEIPT, "--file", "F", "--env"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    signed: Program, words: tuple[str, ...]
) -> None:
    refused(signed, "verify", *words, code="USAGE", status=2)


def test_trust_is_begun_and_ended_once(project: Program) -> None:
    assert "no key is trusted" in project.ok("trust", "list")
    project.ok("trust", "add", "key.pub")
    assert "already trusted, as key.pub, " in project.ok("trust", "add", "key.pub", "--name", "x")
    (trusted,) = json.loads(project.ok("trust", "list", "--json"))["keys"]
    digest = sha256(base64.b64decode(trusted["public_key"])).hexdigest()
    assert trusted["key"] == digest
    assert json.loads(project.ok("trust", "remove", digest, "--json"))["removed"]
    assert "not trusted before either" in project.ok("trust", "remove", "key.pub")
    assert not json.loads(project.ok("trust", "remove", digest, "--json"))["removed"]
    assert len(told(project, "key.trusted/1")) == len(told(project, "key.distrusted/1")) == 1
    refused(project, "trust", "add", "F", code="KEY_INVALID")
    refused(project, "trust", "add", "none", code="NO_SUCH_FILE")
    project.ok("replay", "--check")


def test_a_forged_state_file_makes_no_key_trusted(signed: Program) -> None:
    paths, clock = ProjectPaths(signed.directory), SystemClock()
    told_by_events = load(paths, open_ledger(paths, clock, "a@b"))
    key = public_of(load_private(signed.directory / "key"))
    trusted = TrustedKey(seq=1, time="t", name="release", public_key=key.spki)
    state = msgspec.structs.replace(told_by_events.state, keys={key.key_id: trusted})
    write(paths, msgspec.structs.replace(told_by_events, state=state))
    assert key.key_id in (paths.data / "state.json").read_text()
    refused(signed, *VERIFY, code="RECEIPT_UNKNOWN_KEY")
    assert json.loads(signed.ok("trust", "list", "--json")) == {"keys": []}
    assert signed.run("replay", "--check").returncode == 1


def test_undo_and_rollback_leave_trust_as_it_is(signed: Program) -> None:
    signed.ok("snapshot", "--name", "before")
    signed.ok("trust", "add", "key.pub")
    signed.ok("rollback", "before")
    assert signed.ok(*VERIFY)


needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not here")


def run_shell(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", program], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def understands_raw_input() -> bool:
    asked = subprocess.run(
        ["openssl", "pkeyutl", "-help"], capture_output=True, text=True, check=False
    )
    return "-rawin" in asked.stdout + asked.stderr


@needs_openssl
def test_openssl_verifies_a_receipt_by_the_recipe_of_the_page(signed: Program) -> None:
    if not understands_raw_input():
        pytest.skip("this openssl is older than 3.0")
    shutil.copy(signed.directory / "key.pub", signed.directory / "ed25519.pub")
    program = code_below("With openssl", "sh")
    good = run_shell(program, signed.directory)
    assert good.returncode == 0, good.stderr
    assert "Verified Successfully" in good.stdout
    assert f'"sha256":"{HELLO}"' in good.stdout
    (signed.directory / "F").write_bytes(b"Hello\n")
    other = run_shell(program, signed.directory)
    assert (other.returncode, HELLO in other.stdout) == (1, False)
    path = signed.directory / RECEIPT
    path.write_bytes(path.read_bytes().replace(b"eyJ", b"eyK", 1))
    assert "Verified Successfully" not in run_shell(program, signed.directory).stdout


@needs_openssl
def test_openssl_tells_the_same_key_id(signed: Program) -> None:
    shutil.copy(signed.directory / "key.pub", signed.directory / "ed25519.pub")
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(r"^```sh\n(openssl pkey .*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    answer = run_shell(found[1], signed.directory)
    (data,) = told(signed, "receipt.signed/1")
    assert answer.stdout.split()[0] == data["key"]


def test_five_lines_of_python_verify_a_receipt(signed: Program) -> None:
    shutil.copy(signed.directory / "key.pub", signed.directory / "ed25519.pub")
    program = code_below("In Python", "python")
    assert len(program.splitlines()) == 5

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=signed.directory,
            capture_output=True,
            text=True,
            check=False,
        )

    good = run()
    assert (good.returncode, good.stdout) == (0, "signed for: F\n"), good.stderr
    (signed.directory / "F").write_bytes(b"Hello\n")
    assert run().returncode == 1


def test_the_page_has_the_bytes_that_are_signed(signed: Program) -> None:
    envelope = json.loads((signed.directory / RECEIPT).read_text())
    kind = envelope["payloadType"]
    assert f"DSSEv1 {len(kind)} {kind} <bytes of the payload> <payload>" in PAGE.read_text()


def test_a_library_of_the_abi_hashes(project: Program) -> None:
    library = host_library()
    (project.directory / "F").write_bytes(os.urandom(3_000_000))
    project.ok("sign", "--sk", "key", "--file", "F", "--gpu", library)
    assert "hashed on cpu:host-lanes" in project.ok(*VERIFY, "--pub", "key.pub")
    assert [one["device"] for one in told(project, "receipt.signed/1")] == ["cpu:host-lanes"]


def test_a_library_that_computes_wrongly_signs_nothing(project: Program, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path / "liar.so"
    source = ROOT / "tests/support/lying_library.c"
    flags = ["-shared", "-fPIC", f"-I{ROOT / 'include'}", "-o", str(library)]
    subprocess.run([compiler, str(source), *flags], check=True)
    words = ("sign", "--sk", "key", "--file", "F", "--gpu", library)
    assert HELLO in refused(project, *words, code="GPU_CONTRADICTED")
    assert not (project.directory / RECEIPT).exists()
    assert told(project, "receipt.signed/1") == []
    assert told(project, "command.failed/1")[-1]["code"] == "GPU_CONTRADICTED"


@pytest.mark.parametrize("name", ["libc.so.6", "F", "none.so"])
def test_what_is_no_library_of_the_abi_is_refused(project: Program, name: str) -> None:
    refused(project, "sign", "--sk", "key", "--file", "F", "--gpu", name, code="GPU_LIBRARY")
    assert not (project.directory / RECEIPT).exists()


def at_a_terminal(ppm: Program, *arguments: str, typed: tuple[str, ...]) -> tuple[int, str]:
    """Status and output at a terminal of its own; each line is typed when it is asked for."""
    terminal, other_side = pty.openpty()
    # Who leads a session and opens a terminal has it as /dev/tty.
    program = ["sh", "-c", 'exec "$@" < "$TERMINAL"', "sh", str(ppm.executable), *arguments]
    started = subprocess.Popen(
        program,
        cwd=ppm.directory,
        env={**os.environ, "TERMINAL": os.ttyname(other_side)},
        stdin=subprocess.DEVNULL,
        stdout=other_side,
        stderr=other_side,
        start_new_session=True,
    )
    os.close(other_side)
    shown, lines = b"", list(typed)
    with started:
        while piece := _read(terminal):
            shown += piece
            if lines and shown.endswith(b": "):
                os.write(terminal, f"{lines.pop(0)}\n".encode())
    os.close(terminal)
    return started.returncode, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # The other side is closed.
        return b""


PASSPHRASE = "correct horse"
ENCRYPTED = ("keygen", "--encrypt", "--out-priv", "secret", "--out-pub", "secret.pub")


def test_a_passphrase_is_asked_for_and_never_shown(project: Program) -> None:
    status, shown = at_a_terminal(project, *ENCRYPTED, typed=(PASSPHRASE, PASSPHRASE))
    assert status == 0, shown
    assert "passphrase for secret: " in shown
    assert PASSPHRASE not in shown
    private = project.directory / "secret"
    assert private.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert private.stat().st_mode & 0o777 == 0o600
    words = ("sign", "--sk", "secret", "--file", "F")
    status, shown = at_a_terminal(project, *words, typed=("wrong",))
    assert (status, "error[KEY_PASSPHRASE]" in shown, "wrong" in shown) == (1, True, False)
    assert not (project.directory / RECEIPT).exists()
    status, shown = at_a_terminal(project, *words, typed=(PASSPHRASE,))
    assert status == 0, shown
    assert "passphrase of secret: " in shown
    assert PASSPHRASE not in shown
    assert project.ok(*VERIFY, "--pub", "secret.pub")
    checkpoint = ("ledger", "checkpoint", "--sk", "secret", "--out", "kept")
    status, shown = at_a_terminal(project, *checkpoint, typed=(PASSPHRASE,))
    assert status == 0, shown
    assert PASSPHRASE.encode() not in (project.directory / ".ppm/ledger.jsonl").read_bytes()


def test_two_different_passphrases_make_no_key(project: Program) -> None:
    for typed in ((PASSPHRASE, "other"), ("",)):
        status, shown = at_a_terminal(project, *ENCRYPTED, typed=typed)
        assert (status, "error[KEY_PASSPHRASE]" in shown) == (1, True), shown
    assert not (project.directory / "secret").exists()


def test_without_a_terminal_nobody_is_asked(project: Program) -> None:
    ended = subprocess.run(
        [project.executable, *ENCRYPTED],
        cwd=project.directory,
        input=f"{PASSPHRASE}\n{PASSPHRASE}\n",
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error[KEY_PASSPHRASE]: a passphrase is needed")
    assert not (project.directory / "secret").exists()
