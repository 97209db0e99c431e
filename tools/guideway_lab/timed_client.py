# SPDX-License-Identifier: Apache-2.0
"""HTTP client of one connection a request: timed_client.py URL_ADDRESS PORT TIMEOUT_S SOURCE…

Several requests are always under way, at a steady pace. A line on standard input is answered by one
line: a JSON list, see Request, of those that have ended since the last one. The end of standard
input ends the program.
"""

import asyncio
import dataclasses
import itertools
import json
import sys
import time

_CLIENTS = 8
_PAUSE_S = 0.02


@dataclasses.dataclass
class Request:
    """One request. Times are those of CLOCK_MONOTONIC, which all processes share."""

    began: float = 0.0
    ended: float = 0.0
    backend: str = ""
    error: str = ""


async def send(address, port, source, timeout_s):
    """One request on a connection of its own; returns what became of it."""
    request = Request(began=time.monotonic())
    try:
        request.backend = await asyncio.wait_for(exchange(address, port, source), timeout_s)
    except asyncio.TimeoutError:
        request.error = f"no answer within {timeout_s} s"
    except (OSError, EOFError, ValueError) as error:
        request.error = f"{type(error).__name__}: {error}"
    request.ended = time.monotonic()
    return request


async def exchange(address, port, source):
    """The answer's body, the backend's name. ValueError for any status but 200."""
    reader, writer = await asyncio.open_connection(address, port, local_addr=(source, 0))
    try:
        host = f"[{address}]" if ":" in address else address
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode("latin-1").partition("\r\n\r\n")
        if not head.startswith("HTTP/1.1 200 "):
            raise ValueError(f"answered by '{head.splitlines()[0] if head else 'nothing'}'")
        return body.strip()
    finally:
        writer.close()


async def use(address, port, timeout_s, sources, done):
    while True:
        done.append(await send(address, port, next(sources), timeout_s))
        await asyncio.sleep(_PAUSE_S)


async def main(address, port, timeout_s, sources):
    done = []
    turns = itertools.cycle(sources)  # one address has too few ports for a long run
    tasks = [asyncio.create_task(use(address, port, timeout_s, turns, done)) for _ in range(_CLIENTS)]
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        told, done[:] = done[:], []
        print(json.dumps([dataclasses.asdict(request) for request in told]), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
