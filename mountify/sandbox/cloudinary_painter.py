"""Render the sizes the shop uses as soon as a picture is uploaded, so that the first visitor does not wait for AVIF."""

from __future__ import annotations

import os
import queue
import threading
import time
from dataclasses import replace
from pathlib import Path

from . import cloudinary_pictures as pictures

WIDTHS_PX = (320, 640, 960)
_PATIENCE_S = 3
_jobs: queue.SimpleQueue[tuple[Path, Path]] = queue.SimpleQueue()
_starting = threading.Lock()
_threads: list[threading.Thread] = []


def paint_ahead(original: Path, folder: Path) -> None:
    """Queue a picture; the upload is answered meanwhile. What a kill loses is rendered when somebody asks for it."""
    _jobs.put((original, folder))
    with _starting:
        if not _threads:
            _threads.append(threading.Thread(target=_paint, name="painter", daemon=True))
            _threads[0].start()


def sizes_of_the_shop() -> list[pictures.Transformation]:
    """Return what the shop's pages ask for, in the format that takes longest."""
    asked = (pictures.read([f"f_auto,q_auto:eco,c_limit,w_{width}"]) for width in WIDTHS_PX)
    return [replace(each, format="AVIF") for each in asked]


def _paint() -> None:
    while True:
        original, folder = _jobs.get()
        if not original.exists():  # emptied meanwhile
            continue
        _wait_for_a_quiet_moment()
        for asked in sizes_of_the_shop():
            derived = folder / asked.key
            try:
                if not derived.exists():
                    pictures.write(derived, pictures.render(original.read_bytes(), asked))
            except Exception as error:  # emptied just now, or not to be rendered: who asks for it is told
                print(f"sandbox: {asked.key} was not rendered ahead: {type(error).__name__}", flush=True)
                break


def _wait_for_a_quiet_moment() -> None:
    """Let whatever else this machine is busy with go first, such as the shop that is starting; not for ever."""
    for _ in range(_PATIENCE_S):
        if os.getloadavg()[0] < (os.cpu_count() or 1):
            return
        time.sleep(1)
