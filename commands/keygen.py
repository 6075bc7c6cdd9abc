"""``ppm keygen``: a pair of keys to sign with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ppm.commands.options import JsonOption, QuietOption, VerboseOption, option
from ppm.commands.output import Console
from ppm.commands.passphrase import ask_new_passphrase
from ppm.commands.session import noting
from ppm.engine.errors import UsageError
from ppm.engine.keys import generate, write_pair


def keygen(
    *,
    out_priv: Annotated[Path, option("--out-priv", help="The private key's file (PKCS 8, 0600).")],
    out_pub: Annotated[Path, option("--out-pub", help="The public key's file (SPKI).")],
    force: Annotated[bool, option("--force", help="Replace keys that exist.")] = False,
    encrypt: Annotated[
        bool, option("--encrypt", help="Ask for a passphrase that the private key will need.")
    ] = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make an Ed25519 key pair and write both halves as PEM."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    if out_priv.absolute() == out_pub.absolute():
        raise UsageError("--out-priv and --out-pub name the same file")
    with noting("keygen"):
        passphrase = ask_new_passphrase(out_priv) if encrypt else b""
        write_pair(generate(), out_priv, out_pub, replace=force, passphrase=passphrase)
    console.say(f"private key {out_priv}")
    console.say(f"public key  {out_pub}")
    console.answer({"private": str(out_priv), "public": str(out_pub)})
