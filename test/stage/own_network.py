"""Run a program on a network of its own, as in a container: nothing outside reaches its ports, but for one.

Started as ``unshare -rn python own_network.py SOCKET PORT PROGRAM...``. The one port is reached through a socket in
the file system, which networks have in common. SIGTERM ends the program; its status is ours.
"""

from __future__ import annotations

import asyncio
import fcntl
import signal
import socket
import struct
import sys

_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40


def _raise_loopback() -> None:
    """A new network's loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass  # one side hung up; the other learns it below
    finally:
        writer.close()


async def _run(socket_path: str, port: int, command: list[str]) -> int:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

    async with await asyncio.start_unix_server(relay, socket_path):
        program = await asyncio.create_subprocess_exec(*command)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, program.terminate)
        return await program.wait()


if __name__ == "__main__":
    _raise_loopback()
    sys.exit(asyncio.run(_run(sys.argv[1], int(sys.argv[2]), sys.argv[3:])))
