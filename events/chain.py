"""The chain of digests over the ledger's raw lines, and Merkle trees.

Chain: ``prev`` of each line is the SHA-256 of the bytes of the line before it, without newline.
Trees: RFC 6962 section 2.1 — leaves are hashed with a leading 0x00, inner nodes with 0x01, the
tree over n leaves splits at the largest power of two below n, and no leaves hash to SHA-256("").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from ppm.events.codec import Codec
from ppm.events.envelope import Draft, Envelope, Head, Record


class ChainError(ValueError):
    """A line that does not continue the chain. The text says what was expected."""


def line_digest(line: bytes) -> str:
    """SHA-256 of a line's bytes without newline, in lower-case hexadecimal."""
    return sha256(line).hexdigest()


def link(head: Head, line: bytes, codec: Codec) -> Record:
    """The record that ``line`` (without newline) is, standing just after ``head``.

    Raises:
        ChainError: ``seq`` or ``prev`` does not follow from ``head``.
        CodecError: The line is no canonical event.
    """
    return link_all(head, [line], codec)[0]


def link_all(head: Head, lines: Sequence[bytes], codec: Codec) -> list[Record]:
    """The records that ``lines`` are, the first one just after ``head``. Quicker than one by one.

    Raises:
        ChainError, CodecError: As :func:`link`, about one of them, not always the first wrong one.
    """
    seq, digest, end = head.seq, head.digest, head.end
    records: list[Record] = []
    for line, envelope, event in zip(lines, *codec.decode_all(lines), strict=True):
        if envelope.seq != seq + 1:
            raise ChainError(f"seq is {envelope.seq}, expected {seq + 1}")
        if envelope.prev != digest:
            raise ChainError(
                f"it does not continue line {seq}: prev is {envelope.prev[:16]}…, "
                f"expected {digest[:16]}…"
            )
        seq, digest, end = seq + 1, sha256(line).hexdigest(), end + len(line) + 1
        record = Record(
            seq=seq,
            id=envelope.id,
            time=envelope.time,
            run=envelope.run,
            actor=envelope.actor,
            prev=envelope.prev,
            event=event,
            digest=digest,
            end=end,
        )
        records.append(record)
    return records


def seal(head: Head, drafts: Iterable[Draft], codec: Codec) -> tuple[list[bytes], list[Record]]:
    """Give each draft its place after ``head``: the lines (with newline) and the records."""
    lines: list[bytes] = []
    records: list[Record] = []
    for draft in drafts:
        envelope = Envelope(
            seq=head.seq + 1,
            id=draft.id,
            time=draft.time,
            type=draft.event.type,
            run=draft.run,
            actor=draft.actor,
            prev=head.digest,
            data=codec.raw(draft.event),
        )
        line = codec.encode(envelope)
        record = Record(
            seq=envelope.seq,
            id=draft.id,
            time=draft.time,
            run=draft.run,
            actor=draft.actor,
            prev=head.digest,
            event=draft.event,
            digest=line_digest(line),
            end=head.end + len(line) + 1,
        )
        lines.append(line + b"\n")
        records.append(record)
        head = Head(record.seq, record.digest, record.end)
    return lines, records


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 hash of one leaf."""
    return sha256(b"\x00" + leaf).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 tree head over leaf hashes (as :func:`leaf_hash` gives them), 32 bytes.

    Works level by level; an odd node at the end of a level moves up unchanged, which is the same
    tree as the recursive definition.
    """
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        paired = [
            sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]
