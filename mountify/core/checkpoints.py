"""Named points that tests pause or kill a process at; a no-op everywhere else.

A test names a loopback socket in MOUNTIFY_CHECKPOINTS (`127.0.0.1:port`). At every point the process sends the point's
name and waits for one line back, so that the test decides what happens there. Production refuses the variable.
"""

import os
import socket

VARIABLE = "MOUNTIFY_CHECKPOINTS"


def reached(name: str) -> None:
    """Tell a listening test that this point is reached and wait until it lets us go on."""
    address = os.environ.get(VARIABLE)
    if address is None:
        return
    host, _, port = address.rpartition(":")
    if host != "127.0.0.1":
        raise RuntimeError(f"{VARIABLE} must be an address on 127.0.0.1")
    with socket.create_connection((host, int(port)), timeout=60) as test:
        test.sendall(f"{name}\n".encode())
        test.recv(16)
