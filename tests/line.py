"""The line between a visitor and the page: it can be cut in mid-stream, fall silent, and be mended."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

PIECE = 65536  # bytes passed on at once


class Line:
    """Passes everything between ``port`` (its own) and ``target`` until it is cut.

    ``cut`` breaks off every connection (a reset, as a router that restarts sends) and refuses new ones; ``silence`` keeps them and passes
    nothing on, as a cable that was pulled does; ``mend`` lets new ones through.
    """

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._passing = threading.Event()
        self._door: socket.socket | None = None
        self.mend()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def mend(self) -> None:
        """New connections are taken; those that fell silent are gone for good, as after a pulled cable."""
        self._reset()
        self._passing.set()
        if self._door is None:
            self._door = socket.create_server(("127.0.0.1", self.port))
            self.port = self._door.getsockname()[1]
            threading.Thread(target=self._take, args=(self._door,), daemon=True).start()

    def cut(self) -> None:
        door, self._door = self._door, None
        if door is not None:
            with contextlib.suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
            door.close()
        self._reset()

    def silence(self) -> None:
        self._passing.clear()

    def _reset(self) -> None:
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing sends a reset
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads it
            end.close()

    def _take(self, door: socket.socket) -> None:
        while True:
            try:
                near, _ = door.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            with self._lock:
                if door is not self._door:  # cut in this moment
                    near.close()
                    far.close()
                    return
                self._open |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(PIECE):
                self._passing.wait()
                other.sendall(piece)
            with self._lock:
                whole = one in self._open
            if whole:
                other.shutdown(socket.SHUT_WR)
