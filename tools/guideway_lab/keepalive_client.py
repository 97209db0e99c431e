# SPDX-License-Identifier: Apache-2.0
"""HTTP client of many kept connections: keepalive_client.py ADDRESS PORT CONNECTIONS INTERVAL_MS
TIMEOUT_S.

Each connection numbers its requests and knows which backend answered the first. A wrong number,
another backend, a wrong status, silence or a close is that connection's error, and its end.
A line on standard input is answered by one line: a JSON list, one object a connection. The end of
standard input ends the program.
"""

import asyncio
import dataclasses
import json
import sys


@dataclasses.dataclass
class Connection:
    """What one connection has seen."""

    port: int = 0
    backend: str = ""
    answered: int = 0
    error: str = ""


async def use(connection, address, port, interval_s, timeout_s):
    """Sends request after request until cancelled or disturbed."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), timeout_s)
        connection.port = writer.get_extra_info("sockname")[1]
        while not connection.error:
            number = connection.answered + 1
            exchanged = exchange(reader, writer, address, number)
            answer = await asyncio.wait_for(exchanged, timeout_s)
            connection.error = judge(connection, number, *answer)
            connection.answered = number
            await asyncio.sleep(interval_s)
    except asyncio.TimeoutError:
        connection.error = f"no answer within {timeout_s} s"
    except (OSError, EOFError, ValueError) as error:
        connection.error = f"{type(error).__name__}: {error}"


async def exchange(reader, writer, address, number):
    """One request: returns status, the number that came back, and the body."""
    host = f"[{address}]" if ":" in address else address
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nX-Request-Number: {number}\r\n\r\n"
    writer.write(request.encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    fields = {key.lower(): value for key, _, value in (line.partition(": ") for line in head[1:])}
    body = await reader.readexactly(int(fields["content-length"]))
    return status, fields.get("x-request-number"), body.decode().strip()


def judge(connection, number, status, number_back, backend):
    """What is wrong with an answer; empty if nothing."""
    if status != 200:
        return f"status {status}"
    if number_back != str(number):
        return f"request {number} was answered as {number_back}"
    if connection.backend and backend != connection.backend:
        return f"answered by {backend}, before by {connection.backend}"
    connection.backend = backend
    return ""


async def main(address, port, count, interval_ms, timeout_s):
    connections = [Connection() for _ in range(count)]
    tasks = [
        asyncio.create_task(use(connection, address, port, interval_ms / 1000, timeout_s))
        for connection in connections
    ]
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps([dataclasses.asdict(c) for c in connections]), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
