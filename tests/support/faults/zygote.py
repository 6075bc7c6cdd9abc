"""A process that has imported the program and forks one watched copy of it for each command.

    python zygote.py SOCKET BOOT_ID

reads requests (JSON lines: arguments, folder, where output goes) from the socket, answers with the
process and its seccomp listener, and with the wait status when it has ended. Forking saves the
start of Python: a sweep runs the program thousands of times. ``BOOT_ID`` is the file that stands
for the kernel's, so that a power loss can be told from a kill.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import socket
import sys
from pathlib import Path


def main() -> None:
    """See the module."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    from ppm.engine.store import wheels

    wheels._BOOT_ID = Path(sys.argv[2])
    channel.sendall(json.dumps({"engine": importlib.import_module("ppm.engine").__file__}).encode())
    while request := channel.recv(65536):
        _serve(channel, json.loads(request))


def _import_everything() -> None:
    import ppm.commands
    import ppm.engine

    for room in (ppm.commands, ppm.engine):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)


def _serve(channel: socket.socket, request: dict[str, object]) -> None:
    child = os.fork()
    if child == 0:
        _become(channel, request)
    _, status = os.waitpid(child, 0)
    channel.sendall(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())


def _become(channel: socket.socket, request: dict[str, object]) -> None:
    """Be the program: everything as after its start, except that its modules are there."""
    from support.faults.notify import install

    from ppm.commands.app import main as run

    os.setsid()
    os.umask(0o022)
    os.chdir(str(request["folder"]))
    for stream, descriptor in (("out", 1), ("err", 2)):
        opened = os.open(str(request[stream]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["ppm", *map(str, request["arguments"])]  # type: ignore[call-overload]
    listener = install()
    socket.send_fds(channel, [json.dumps({"process": os.getpid()}).encode()], [listener])
    os.close(listener)
    channel.close()
    status = 1
    try:
        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
