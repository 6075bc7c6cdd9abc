"""Keys: what openssl and ppm make of one another's, who may read them, what is no key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
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
    _SMALL_ORDER,
    SigningKey,
    VerifierKey,
    find_verifier,
    generate,
    load_private,
    load_verifier,
    parse_verifier,
    write_pair,
)
from ppm.engine.publickey import PublicKey, parse_spki, public_of

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


def test_a_public_key_in_the_place_of_a_private_one_is_named(tmp_path: Path) -> None:
    private, public = pair(tmp_path)
    verifier = tmp_path / "verifier"
    verifier.write_text(f"{load_private(private).named('somebody')}\n")
    for path in (public, verifier):
        with pytest.raises(KeyFailure, match="holds a public key") as caught:
            load_private(path)
        assert caught.value.code == "KEY_INVALID"
        assert "--sk takes the private one" in caught.value.hint


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
        assert caught.value.code == ("KEY_PASSPHRASE" if name == "encrypted" else "KEY_INVALID")
        assert str(path) in caught.value.message


def test_an_encrypted_key_is_opened_with_its_passphrase_alone(tmp_path: Path) -> None:
    key, private = generate(), tmp_path / "key"
    write_pair(key, private, tmp_path / "pub", replace=False, passphrase=b"open sesame")
    assert private.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert private.stat().st_mode & 0o777 == 0o600
    assert load_private(private, lambda _: b"open sesame").named("x") == key.named("x")
    for wrong in (b"sesame", b"", b"open sesame\n"):
        told = {private: wrong}
        with pytest.raises(KeyFailure) as caught:
            load_private(private, told.__getitem__)
        assert caught.value.code == "KEY_PASSPHRASE"
        assert "sesame" not in caught.value.message


@needs_openssl
def test_openssl_opens_an_encrypted_key(tmp_path: Path) -> None:
    key, private = generate(), tmp_path / "key"
    write_pair(key, private, tmp_path / "pub", replace=False, passphrase=b"open sesame")
    told = openssl("pkey", "-in", private, "-passin", "pass:open sesame", "-pubout")
    assert told == key.public_pem()


def test_a_plain_key_asks_nobody(tmp_path: Path) -> None:
    def ask(path: Path) -> bytes:
        raise AssertionError(path)

    private, _ = pair(tmp_path)
    assert load_private(private, ask)


# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
            "39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
            "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_signatures_are_those_of_the_standard(
    secret: str, public: str, message: str, signature: str
) -> None:
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))
    assert public_of(key) == PublicKey(bytes.fromhex(public))
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert public_of(key).verifies(bytes.fromhex(signature), bytes.fromhex(message))
    assert not public_of(key).verifies(bytes.fromhex(signature), bytes.fromhex(message) + b"!")
    assert not public_of(key).verifies(bytes.fromhex(signature)[:-1], bytes.fromhex(message))


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize("point", sorted(_SMALL_ORDER), ids=bytes.hex)
def test_a_key_that_everybody_can_sign_for_verifies_nothing(point: bytes, sign: int) -> None:
    raw = point[:-1] + bytes([point[-1] | sign])
    forged = [other + bytes(32) for other in _SMALL_ORDER]
    messages = [b"%d" % number for number in range(64)]
    key = PublicKey(raw)
    assert not any(key.verifies(one, message) for one in forged for message in messages)


def test_an_spki_form_is_read_back_and_names_the_key() -> None:
    key = PublicKey(bytes.fromhex(VECTORS[0][1]))
    assert key.spki == "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert key.key_id == "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9"
    assert parse_spki(key.spki) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MCowBQYDK2VwAyEA",
        "MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",  # X25519
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA",  # a byte more
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",  # the other alphabet
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=",  # bits that say nothing
    ],
)
def test_what_is_no_spki_form_of_an_ed25519_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"SPKI|base64"):
        parse_spki(text)


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
