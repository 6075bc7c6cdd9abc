"""What a person or a script sees: text or one JSON document, progress, errors.

The one boundary to the terminal: text from packages, indexes and files passes :func:`clean` here
before it is printed.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, TextIO

from ppm.engine.errors import PpmError
from ppm.engine.plain import clean


def _print(stream: TextIO, text: str) -> bool:
    encoding = stream.encoding or "utf-8"
    return _write(stream, clean(text).encode(encoding, "replace").decode(encoding) + "\n")


def _write(stream: TextIO, text: str) -> bool:
    """Write at once; false if nobody reads it.

    Whoever looks on may go away: what is being done goes on. Only an answer that its file cannot
    take is a failure.
    """
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True


def show_error(error: PpmError) -> None:
    """``error[CODE]: message``, notes, and ``hint: …`` on stderr."""
    _print(sys.stderr, f"error[{error.code}]: {error.message}")
    for note in getattr(error, "__notes__", ()):
        _print(sys.stderr, note)
    if error.hint:
        _print(sys.stderr, f"hint: {error.hint}")
    if os.environ.get("PYP_DEBUG") == "1":
        import traceback

        _print(sys.stderr, "".join(traceback.format_exception(error)))


class Console:
    """Output of one command.

    Text goes to stdout unless ``--quiet``; with ``--json`` stdout takes exactly one document and
    everything else is silent or on stderr.
    """

    def __init__(self, *, json_output: bool, verbose: bool, quiet: bool) -> None:
        self.json_output = json_output
        self.verbose = verbose and not quiet
        self.quiet = quiet
        self.heard = True
        """Whether, as far as is known, somebody reads the answer."""

    def say(self, text: str) -> None:
        """A line of the answer, for a person."""
        if not self.quiet and not self.json_output:
            self.heard = _print(sys.stdout, text)

    def warn(self, text: str) -> None:
        """A warning on stderr."""
        if not self.quiet:
            _print(sys.stderr, f"warning: {text}")

    def note(self, text: str) -> None:
        """A remark on stderr."""
        if not self.quiet:
            _print(sys.stderr, text)

    def answer(self, document: Any) -> None:
        """The JSON document of ``--json``; silent otherwise."""
        if self.json_output:
            self.document(document)

    def document(self, document: Any) -> None:
        """A JSON document whatever the options say, for verbs whose answer is JSON."""
        import json

        import msgspec

        plain = msgspec.to_builtins(document)
        text = json.dumps(plain, ensure_ascii=not _speaks_utf8(sys.stdout))
        self.heard = _write(sys.stdout, text + "\n")

    def data(self, data: bytes) -> None:
        """An answer that is a file: its bytes as they are; silent with ``--json``."""
        if not self.json_output:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def progress(self) -> Progress:
        """Where the engine reports to."""
        if self.quiet or self.json_output or not sys.stderr.isatty():
            return Progress(self)
        return TerminalProgress(self)


def _speaks_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


class Progress:
    """Progress without a terminal: details with ``--verbose``, else nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, text: str) -> None:
        """A new step began."""
        self.detail(text)

    def expect(self, files: int, size: int) -> None:
        """So many files and bytes will be downloaded."""

    def advance(self, size: int) -> None:
        """So many more bytes arrived."""

    def detail(self, text: str) -> None:
        """A line for ``--verbose``."""
        if self._console.verbose:
            self._console.note(text)

    def close(self) -> None:
        """Leave the terminal as it was."""


_REDRAW_S = 0.1
_BAR_CELLS = 28


class TerminalProgress(Progress):
    """One line on stderr, redrawn at most ten times a second, gone when the work is done."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._stage = ""
        self._expected = 0
        self._arrived = 0
        self._drawn_s = 0.0
        self._shown = False

    def stage(self, text: str) -> None:
        """Show the new step at once."""
        super().stage(text)
        self._stage, self._expected, self._arrived = text, 0, 0
        self._draw()

    def expect(self, files: int, size: int) -> None:
        """Turn the line into a bar."""
        self._stage = f"downloading {files} file{'s' if files != 1 else ''}"
        self._expected = size
        self._draw()

    def advance(self, size: int) -> None:
        """Move the bar on."""
        self._arrived += size
        if time.monotonic() - self._drawn_s >= _REDRAW_S:
            self._draw()

    def detail(self, text: str) -> None:
        """A line above the bar."""
        if self._console.verbose:
            self.close()
            super().detail(text)

    def close(self) -> None:
        """Take the line away."""
        if self._shown:
            _write(sys.stderr, "\r\x1b[2K")
            self._shown = False

    def _draw(self) -> None:
        self._drawn_s = time.monotonic()
        line = f"{self._stage} …"
        if self._arrived or self._expected:
            line = f"{self._stage} {self._bar()}{self._arrived / 1e6:.1f} MB"
            if self._expected:
                line += f" of {self._expected / 1e6:.1f} MB"
        _write(sys.stderr, f"\r\x1b[2K{clean(line)}")
        self._shown = True

    def _bar(self) -> str:
        if not self._expected:
            return ""
        done = min(_BAR_CELLS, _BAR_CELLS * self._arrived // self._expected)
        return f"[{'█' * done}{'·' * (_BAR_CELLS - done)}] "
