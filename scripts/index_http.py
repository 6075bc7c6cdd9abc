"""The wire side of the local index: requests in, answers out (RFC 9110, RFC 9112)."""

from __future__ import annotations

import email.utils
import os
import re
import socket
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_HEAD = 64 * 1024
# Files up to this size go out together with their head in one call.
SMALL_FILE = 64 * 1024
BYTE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
REASONS = {
    200: "OK",
    206: "Partial Content",
    304: "Not Modified",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    416: "Range Not Satisfiable",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(kw_only=True)
class Answer:
    """What is sent: a head, then bytes from memory or a stretch of the file at ``path``."""

    status: int
    headers: dict[str, str]
    kind: str = "other"
    body: bytes = b""
    path: Path | None = None
    start: int = 0
    length: int = 0

    def head(self) -> bytes:
        """Status line and headers."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        # Caches reckon freshness from the date: without one, some keep nothing as fresh.
        lines.append(f"Date: {email.utils.formatdate(usegmt=True)}")
        lines.append(f"Content-Length: {self.length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def content(self) -> bytes:
        """The whole body."""
        if self.path is None:
            return self.body
        with self.path.open("rb") as stream:
            return os.pread(stream.fileno(), self.length, self.start)

    def narrow(self, wanted: str) -> None:
        """Cut to one byte range (RFC 9110, 14.1.2); several, or none, are answered whole."""
        match = BYTE_RANGE.fullmatch(wanted.replace(" ", ""))
        if not match or match[0] == "bytes=-":
            return
        first, last = match[1], match[2]
        total = self.length
        start = int(first) if first else max(total - int(last), 0)
        end = min(int(last), total - 1) if first and last else total - 1
        if start > end:
            self.replace(416, b"")
            self.headers["Content-Range"] = f"bytes */{total}"
            return
        self.status, self.start, self.length = 206, start, end - start + 1
        self.body = self.body[start : end + 1]
        self.headers["Content-Range"] = f"bytes {start}-{end}/{total}"

    def replace(self, status: int, body: bytes) -> None:
        """Another status, and a body of its own."""
        self.status, self.body, self.path, self.length = status, body, None, len(body)

    def send(self, connection: socket.socket) -> None:
        """Head and body; large files go from the disk to the socket without passing through."""
        if self.path is None or self.length <= SMALL_FILE:
            connection.sendall(self.head() + self.content())
            return
        connection.sendall(self.head())
        offset, left = self.start, self.length
        with self.path.open("rb") as stream:
            while left:
                sent = os.sendfile(connection.fileno(), stream.fileno(), offset, left)
                offset, left = offset + sent, left - sent


def plain(status: int, text: bytes) -> Answer:
    """A short answer in words."""
    headers = {"Content-Type": "text/plain"}
    return Answer(status=status, headers=headers, body=text, length=len(text))


def read_requests(connection: socket.socket) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Method, path and lower-case headers of each request, until the client hangs up."""
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            received = connection.recv(LONGEST_HEAD)
            if not received or len(buffer) > LONGEST_HEAD:
                return
            buffer += received
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, target = first.partition(" ")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        path = target.partition(" ")[0].partition("?")[0]
        yield method, urllib.parse.unquote(path), headers
