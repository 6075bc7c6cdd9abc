#!/usr/bin/env python3
"""A package index on the loopback address, for tests, the benchmark and the quick start.

    python3 scripts/local_index.py FOLDER

serves the wheels and sdists of FOLDER until its standard input closes; the first line it prints is
the index URL. In tests :class:`LocalIndex` runs it in threads of the test process, where features
and faults can be changed while it runs; :class:`IndexProcess` runs it as a process of its own.

HTTP/1.1 with keep-alive, entity tags, ranges and gzip. One thread a connection: a thread that waits
for its client or sends a file holds no lock, and a test can stall one answer without the others.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import dataclasses
import fnmatch
import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from index_http import Answer, plain, read_requests
from index_site import Document, Features, Site, write_index


class Request(NamedTuple):
    """A request as it was answered; ``kind`` is ``page``, ``metadata``, ``file`` or ``other``."""

    method: str
    path: str
    status: int
    kind: str
    range: str
    headers: Mapping[str, str]


@dataclasses.dataclass(kw_only=True)
class Fault:
    """What goes wrong with answers to a path.

    ``path`` is a shell pattern. ``status`` and ``headers`` replace the answer's. ``body`` replaces
    the bytes before ranges are cut from them. ``truncate`` closes the connection after so many
    bytes of the body, ``delay`` waits so many seconds once ``after`` bytes of it are sent.
    ``times`` is how many answers it spoils, -1 for all.
    """

    path: str
    status: int = 0
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes | None = None
    truncate: int | None = None
    delay: float = 0
    after: int = 0
    times: int = -1


class LocalIndex:
    """An index over ``folder``, served by threads of this process between enter and exit."""

    def __init__(self, folder: Path, features: Features | None = None, port: int = 0) -> None:
        self.folder = folder
        self.features = features or Features()
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self._site = Site()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        """The base URL of the simple API."""
        return f"{self.origin}/simple/"

    @property
    def idle(self) -> bool:
        """Whether no client is connected and no thread of the index runs."""
        return not self._connections and not self._acceptor.is_alive()

    def refresh(self) -> None:
        """Read the folder again: files were added, removed or yanked, or features changed."""
        self._site = write_index(self.folder, self.features)

    def offer(self, **features: bool | int | str) -> None:
        """Change features (see :class:`Features`) from now on."""
        self.features = dataclasses.replace(self.features, **features)  # type: ignore[arg-type]
        self.refresh()

    def break_path(self, fault: Fault) -> Fault:
        """Let ``fault`` happen from now on; remove it from ``faults`` to end it."""
        self.faults.append(fault)
        return fault

    def counts(self) -> dict[str, int]:
        """How many requests of each kind were answered, and how many of them were ranges."""
        requests = list(self.requests)
        counted = Counter(request.kind for request in requests)
        counted["range"] = sum(1 for request in requests if request.status == 206)  # noqa: PLR2004
        return dict(counted)

    def __enter__(self) -> Self:
        self.refresh()
        self._acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        # Closing alone does not wake a thread that waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            open_now = list(self._connections.items())
        for connection, thread in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            for method, path, headers in read_requests(connection):
                fault = self._fault(path)
                answer = self._answer(method, path, headers, fault)
                self._closing.wait(self.features.away)
                self._note(method, path, headers, answer)
                if method == "HEAD":
                    connection.sendall(answer.head())
                elif not fault:
                    answer.send(connection)
                elif not self._send_spoiled(connection, answer, fault):
                    break
        with self._lock:
            del self._connections[connection]

    def _note(self, method: str, path: str, headers: Mapping[str, str], answer: Answer) -> None:
        if not path.startswith("/-/"):
            wanted = headers.get("range", "")
            self.requests.append(Request(method, path, answer.status, answer.kind, wanted, headers))

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], fault: Fault | None
    ) -> Answer:
        if path == "/-/counts":
            return plain(200, json.dumps(self.counts()).encode())
        if method not in ("GET", "HEAD"):
            return plain(405, b"only GET and HEAD\n")
        if self.features.credentials and not self._authorised(headers):
            refusal = plain(401, b"who are you?\n")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="index"'
            return refusal
        document = self._site.find(path, headers.get("accept", ""))
        if document and fault and fault.body is not None:
            document = dataclasses.replace(
                document, body=fault.body, path=None, size=len(fault.body)
            )
        answer = self._represent(document, headers) if document else plain(404, b"not here\n")
        if fault and fault.status:
            answer.replace(fault.status, fault.body or b"broken on purpose\n")
        answer.headers |= fault.headers if fault else {}
        return answer

    def _authorised(self, headers: Mapping[str, str]) -> bool:
        expected = base64.b64encode(self.features.credentials.encode()).decode()
        return headers.get("authorization", "") == f"Basic {expected}"

    def _fault(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times and fnmatch.fnmatchcase(path, fault.path):
                    fault.times -= 1 if fault.times > 0 else 0
                    return fault
        return None

    def _represent(self, document: Document, headers: Mapping[str, str]) -> Answer:
        answer = Answer(
            status=200,
            kind=document.kind,
            headers={
                "Content-Type": document.content_type,
                "ETag": document.etag,
                "Cache-Control": document.cache_control,
                "Vary": "Accept, Accept-Encoding",
            },
            body=document.body,
            path=document.path,
            length=document.size,
        )
        if document.etag in headers.get("if-none-match", ""):
            answer.replace(304, b"")
            return answer
        if self.features.compression and "gzip" in headers.get("accept-encoding", ""):
            self._compress(document, answer)
        if self.features.ranges and document.kind != "page":
            answer.headers["Accept-Ranges"] = "bytes"
            if headers.get("if-range", document.etag) == document.etag:
                answer.narrow(headers.get("range", ""))
        return answer

    def _compress(self, document: Document, answer: Answer) -> None:
        if document.compressed:
            answer.body = document.compressed
            answer.length = len(answer.body)
            answer.headers["Content-Encoding"] = "gzip"

    def _send_spoiled(self, connection: socket.socket, answer: Answer, fault: Fault) -> bool:
        """Send what the fault leaves of the answer; whether the connection may be used again."""
        content = answer.content()
        whole = fault.truncate is None or fault.truncate >= len(content)
        sent = content if whole else content[: fault.truncate]
        at_once, later = sent[: fault.after], sent[fault.after :]
        if at_once:
            connection.sendall(answer.head() + at_once)
            self._closing.wait(fault.delay)
            connection.sendall(later)
        else:
            self._closing.wait(fault.delay)
            connection.sendall(answer.head() + later)
        return whole


class IndexProcess:
    """The same index as a process of its own, so that it shares no interpreter with its clients."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._command = [sys.executable, __file__, str(folder), *options]
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise OSError("the local index did not start; its own words are above")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def counts(self) -> dict[str, int]:
        """As :meth:`LocalIndex.counts`."""
        address = self.url.removesuffix("/simple/") + "/-/counts"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - loopback
            counted: dict[str, int] = json.load(answer)
            return counted


def main() -> None:
    """Serve a folder until standard input closes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--away", type=float, default=0.0)
    for feature in ("json", "metadata", "ranges", "hashes", "compression"):
        parser.add_argument(f"--no-{feature}", dest=feature, action="store_false")
    options = vars(parser.parse_args())
    folder, port = options.pop("folder"), options.pop("port")
    with (
        LocalIndex(folder, Features(**options), port) as index,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(index.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
