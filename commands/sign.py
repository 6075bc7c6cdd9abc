"""``ppm sign``: vouch for a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from ppm.commands.options import (
    JsonOption,
    OutOption,
    ProjectOption,
    QuietOption,
    SecretKeyOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.passphrase import ask_passphrase
from ppm.commands.session import changing_at, project_around
from ppm.engine.clock import SystemClock
from ppm.engine.keys import load_private
from ppm.engine.operations.signing import (
    Order,
    hasher_of,
    receipt_path,
    require_replaceable,
    sign_file,
    sign_in_project,
)
from ppm.engine.plain import clean_line
from ppm.engine.receipt import SignedReceipt


def sign(
    *,
    sk: SecretKeyOption,
    file: Annotated[Path, option("--file", help="The file to sign for.")],
    gpu: Annotated[
        Path | None, option("--gpu", help="Hash through this library (include/breath_gpu.h).")
    ] = None,
    out: OutOption = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Sign for a file's name, size and SHA-256, and write the receipt beside it."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    receipt = out or receipt_path(file)
    paths = project_around(project)
    if paths is None:
        signed = sign_file(_order(sk, file, gpu, receipt), SystemClock())
    else:
        with changing_at(paths, "sign", console) as change:
            signed = sign_in_project(change.run, _order(sk, file, gpu, receipt))
    _tell(signed, receipt, console)
    console.answer(_document(signed, receipt))


def _order(sk: Path, file: Path, gpu: Path | None, out: Path) -> Order:
    require_replaceable(file, out)
    key = load_private(sk, ask_passphrase)
    return Order(file=file, key=key, hasher=hasher_of(gpu), out=out)


def _tell(signed: SignedReceipt, out: Path, console: Console) -> None:
    receipt = signed.receipt
    console.say(clean_line(f"{receipt.name}: {receipt.size} bytes, SHA-256 {receipt.sha256}"))
    console.say(clean_line(f"hashed on {receipt.device}, signed by key {receipt.key}"))
    console.say(clean_line(f"receipt {out}"))


def _document(signed: SignedReceipt, out: Path) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(signed.receipt)
    return {"receipt": str(out), **said, "ledger": said.get("ledger")}
