"""A process of its own that fetches the files named by its arguments: STORE URL SHA256 SIZE …"""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
from unit.fetch.harness import QUICK, Bench, want

from ppm.engine.store.blobs import BlobStore


async def main(store: str, *files: str) -> None:
    wanted = [
        want(url, sha256=sha256, size=int(size))
        for url, sha256, size in zip(files[::3], files[1::3], files[2::3], strict=True)
    ]
    bench = Bench(blobs=BlobStore(Path(store)), limits=QUICK)
    got = await bench.fetch(*wanted)
    assert [item.stored.sha256 for item in got] == [file.sha256 for file in wanted]


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
