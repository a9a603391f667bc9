"""Ports for servers in processes of their own."""

import secrets
import socket


def free_port():
    """One below those that the kernel gives to whoever asks for any, so that nobody takes it meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
