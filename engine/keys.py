"""Ed25519 keys: PEM files as other tools have them, and the verifier keys of signed notes.

Private keys are PKCS 8, public keys SPKI (RFC 8410), both as PEM. A verifier key is the text
``name+hash+key`` of C2SP signed-note, which gives a public key the name it signs under.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ppm.engine.errors import KeyFailure
from ppm.engine.files import storage_errors, write_atomic, write_new

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"\x01"
_RAW_SIZE = 32
_KEY_ID_SIZE = 4
_LARGEST_FILE = 64 * 1024
# Points of the curve whose order divides 8, without the sign bit, in every spelling that is read.
# Whoever names one as the key needs no private key for a signature that passes.
_SMALL_ORDER = frozenset(
    map(
        bytes.fromhex,
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
    )
)


class VerifierKey(msgspec.Struct, frozen=True):
    """A public key and the name it signs notes under. ``raw`` is the 32 bytes of RFC 8032."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that signature lines name the key by."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_KEY_ID_SIZE]

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` is this key's over ``message``; never for a key of small order."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if self.raw[:-1] + bytes([self.raw[-1] & 0x7F]) in _SMALL_ORDER:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def named(self, name: str) -> VerifierKey:
        """The public half under ``name``."""
        return VerifierKey(name, self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``, 64 bytes (RFC 8032)."""
        return self._key.sign(message)

    def private_pem(self, passphrase: bytes = b"") -> bytes:
        """PKCS 8, encrypted where there is a passphrase."""
        from cryptography.hazmat.primitives.serialization import (
            BestAvailableEncryption,
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def public_pem(self) -> bytes:
        """SPKI."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def generate() -> SigningKey:
    """A new key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return SigningKey(Ed25519PrivateKey.generate())


def write_pair(
    key: SigningKey, private: Path, public: Path, *, replace: bool, passphrase: bytes = b""
) -> None:
    """Write both halves, the private one readable by its owner only.

    Raises:
        KeyFailure: ``code="KEY_EXISTS"`` where one of them exists and ``replace`` is not set.
        StorageError: The disk refused.
    """
    pem = key.private_pem(passphrase)
    if replace:
        write_atomic(private, pem, mode=0o600)
        write_atomic(public, key.public_pem())
        return
    _create(private, pem, mode=0o600)
    try:
        _create(public, key.public_pem(), mode=0o644)
    except BaseException:
        private.unlink()
        raise


def _create(path: Path, data: bytes, *, mode: int) -> None:
    if not write_new(path, data, mode=mode):
        raise KeyFailure(
            f"{path} exists",
            code="KEY_EXISTS",
            hint="choose another name, or --force to lose the key that it holds",
        )


def load_private(path: Path, ask: Callable[[Path], bytes] | None = None) -> SigningKey:
    """The private key in ``path``; ``ask`` tells the passphrase of one that is encrypted.

    Raises:
        KeyFailure: ``code="KEY_EXPOSED"`` where others than its owner may read it,
            ``"KEY_PASSPHRASE"`` where the passphrase is wrong or nobody tells it,
            ``"KEY_INVALID"`` where it holds no Ed25519 key, or a public one.
        StorageError: It cannot be read.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    with storage_errors(path), path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        data = file.read(_LARGEST_FILE)
    _refuse_public(data, path)
    if os.name == "posix" and mode & 0o077:
        raise KeyFailure(
            f"others may read the private key {path} (mode {mode:04o})",
            code="KEY_EXPOSED",
            hint=f"chmod 600 {path}, and a new key if somebody may have read this one",
        )
    try:
        key = _decoded(data, path)
    except TypeError as error:  # So it says that there has to be a passphrase.
        key = _decrypted(data, path, ask, error)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFailure(f"{path} holds a private key that is not Ed25519")
    return SigningKey(key)


def _refuse_public(data: bytes, path: Path) -> None:
    """Anybody may read a public key: its mode says nothing of what is wrong."""
    public = data.lstrip().startswith(b"-----BEGIN PUBLIC KEY-----")
    if not public:
        with suppress(ValueError):
            public = bool(parse_verifier(data.decode().strip()))
    if public:
        raise KeyFailure(
            f"{path} holds a public key", hint="--sk takes the private one, --pub this one"
        )


def _decoded(data: bytes, path: Path) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(data, password=None)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFailure(f"{path} holds no private key in PEM (PKCS 8)") from error


def _decrypted(
    data: bytes, path: Path, ask: Callable[[Path], bytes] | None, cause: TypeError
) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if ask is None:
        raise KeyFailure(f"the private key {path} is encrypted", code="KEY_PASSPHRASE") from cause
    try:
        return load_pem_private_key(data, password=ask(path))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFailure(
            f"the passphrase does not open the private key {path}", code="KEY_PASSPHRASE"
        ) from error


def find_verifier(text: str, name: str) -> VerifierKey:
    """The public key that a person means: a verifier key, or a file with one.

    Raises:
        KeyFailure: The file holds no public key.
        StorageError: It is no verifier key, and no file that can be read.
    """
    try:
        return parse_verifier(text)
    except ValueError:
        return load_verifier(Path(text), name)


def load_verifier(path: Path, name: str) -> VerifierKey:
    """The public key in ``path``: a verifier key, or PEM, which signs under ``name``.

    Raises:
        KeyFailure: It holds neither.
        StorageError: It cannot be read.
    """
    with storage_errors(path), path.open("rb") as file:
        data = file.read(_LARGEST_FILE)
    if data.lstrip().startswith(b"-----BEGIN"):
        return VerifierKey(name, _raw_of_pem(data, path))
    try:
        return parse_verifier(data.decode().strip())
    except ValueError as error:
        raise KeyFailure(f"{path} holds no public key: {error}") from error


def _raw_of_pem(data: bytes, path: Path) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFailure(f"{path} holds no public key in PEM (SPKI)") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFailure(f"{path} holds a public key that is not Ed25519")
    return key.public_bytes_raw()


def parse_verifier(text: str) -> VerifierKey:
    """A verifier key from its text ``name+hash+key``.

    Raises:
        ValueError: It is none, of another algorithm, or its hash is not that of name and key.
    """
    # The key's own base64 may hold further plus signs.
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):  # noqa: PLR2004 - name, hash, key
        raise ValueError("neither PEM nor a verifier key `name+hash+key`")
    name, key_id, encoded = parts
    raw = decode_base64(encoded)
    if raw[:1] != _ED25519 or len(raw) != 1 + _RAW_SIZE:
        raise ValueError("not an Ed25519 verifier key")
    key = VerifierKey(name, raw[1:])
    if key.key_id.hex() != key_id:
        raise ValueError(f"the verifier key's hash is {key_id}, should be {key.key_id.hex()}")
    return key


def is_key_name(text: str) -> bool:
    """Whether a note can be signed under this name: not empty, no space, no plus sign."""
    return text.split() == [text] and "+" not in text


def decode_base64(text: str) -> bytes:
    """Standard base64 with its padding, in the one canonical spelling.

    Raises:
        ValueError: Anything else.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data
