"""Keys: what openssl and ppm make of one another's, who may read them, what is no key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ppm.engine.errors import KeyFailure, StorageError
from ppm.engine.keys import (
    VerifierKey,
    find_verifier,
    generate,
    load_private,
    load_verifier,
    parse_verifier,
    write_pair,
)

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not here")


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def pair(folder: Path) -> tuple[Path, Path]:
    private, public = folder / "key", folder / "key.pub"
    write_pair(generate(), private, public, replace=False)
    return private, public


def test_the_private_key_is_its_owners_alone_and_both_halves_belong_together(
    tmp_path: Path,
) -> None:
    private, public = pair(tmp_path)
    assert private.stat().st_mode & 0o777 == 0o600
    key = load_private(private)
    assert load_verifier(public, "name") == key.named("name")
    assert key.named("name").verifies(key.sign(b"message"), b"message")
    assert not key.named("name").verifies(key.sign(b"message"), b"massage")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key.pub"]


@needs_openssl
def test_openssl_reads_the_keys_and_agrees_on_a_signature(tmp_path: Path) -> None:
    private, public = pair(tmp_path)
    (tmp_path / "message").write_bytes(b"message")
    (tmp_path / "signature").write_bytes(load_private(private).sign(b"message"))
    assert openssl("pkey", "-in", private, "-pubout") == public.read_bytes()
    verdict = openssl(
        *("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"),
        *("-in", tmp_path / "message", "-sigfile", tmp_path / "signature"),
    )
    assert b"Verified Successfully" in verdict


@needs_openssl
def test_a_key_that_openssl_made_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(openssl("genpkey", "-algorithm", "ed25519"))
    path.chmod(0o400)
    (tmp_path / "pub").write_bytes(openssl("pkey", "-in", path, "-pubout"))
    assert load_private(path).named("x") == load_verifier(tmp_path / "pub", "x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o777])
def test_a_private_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    private, _ = pair(tmp_path)
    private.chmod(mode)
    with pytest.raises(KeyFailure, match=f"mode {mode:04o}") as caught:
        load_private(private)
    assert caught.value.code == "KEY_EXPOSED"


@pytest.mark.parametrize("existing", ["key", "key.pub"])
def test_an_existing_file_is_not_overwritten_unless_asked(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("precious")
    with pytest.raises(KeyFailure, match=existing) as caught:
        pair(tmp_path)
    assert caught.value.code == "KEY_EXISTS"
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "precious"
    (tmp_path / "key").touch(0o666)
    write_pair(generate(), tmp_path / "key", tmp_path / "key.pub", replace=True)
    assert load_private(tmp_path / "key").named("x") == load_verifier(tmp_path / "key.pub", "x")


def other_private() -> bytes:
    return X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def encrypted(pem: bytes) -> bytes:
    return load_pem_private_key(pem, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )


def test_what_is_no_private_key_is_refused(tmp_path: Path) -> None:
    private, public = (path.read_bytes() for path in pair(tmp_path))
    files = {
        "empty": b"",
        "text": b"hello\n",
        "public": public,
        "another algorithm": other_private(),
        "broken": private.replace(b"MC4", b"MC5"),
        "encrypted": encrypted(private),
    }
    for name, data in files.items():
        path = tmp_path / name
        path.touch(0o600)
        path.write_bytes(data)
        with pytest.raises(KeyFailure) as caught:
            load_private(path)
        assert caught.value.code == "KEY_INVALID"
        assert str(path) in caught.value.message


def test_what_is_no_public_key_is_refused(tmp_path: Path) -> None:
    other = load_pem_private_key(other_private(), None).public_key()
    files = {
        "empty": b"",
        "text": b"hello\n",
        "bytes": b"\xff\xfe",
        "private": other_private(),
        "another algorithm": other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "verifier key": GO_KEY.replace("c74f", "c74e").encode(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(KeyFailure) as caught:
            find_verifier(str(tmp_path / name), "x")
        assert caught.value.code == "KEY_INVALID"


def test_a_verifier_key_is_given_as_text_or_in_a_file(tmp_path: Path) -> None:
    key = parse_verifier(GO_KEY)
    assert (key.name, str(key)) == ("PeterNeumann", GO_KEY)
    (tmp_path / "key").write_text(f"{GO_KEY}\n")
    assert find_verifier(GO_KEY, "x") == find_verifier(str(tmp_path / "key"), "x") == key
    with pytest.raises(StorageError, match="no-such") as caught:
        find_verifier("no-such", "x")
    assert caught.value.code == "NO_SUCH_FILE"


@pytest.mark.parametrize("place", range(len(GO_KEY)))
def test_a_verifier_key_with_any_character_changed_is_refused(place: int) -> None:
    other = "A" if GO_KEY[place] != "A" else "B"
    with pytest.raises(ValueError, match=r"."):
        parse_verifier(GO_KEY[:place] + other + GO_KEY[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        # Hashes that fit: a key that is too long, an algorithm that is none.
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"verifier key|base64"):
        parse_verifier(text)


def test_a_key_id_depends_on_the_name() -> None:
    raw = parse_verifier(GO_KEY).raw
    assert VerifierKey("a", raw).key_id != VerifierKey("b", raw).key_id
