"""Ports of this machine, for servers that nobody else is to reach."""

import socket

from deeprec.runtime.files import InputError

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Return a socket that listens on HOST (0: at any free port); raise InputError where the port can't be had."""
    # Named as TCP, or asyncio leaves Nagle's algorithm on, which costs each answer 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise InputError(f"port {port}: {getattr(error, 'strerror', None) or error}; choose another") from None
    return listener
