"""Named random streams from one seed: the same name and seed give the same numbers, whatever runs beside."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """An independent generator for `names` under `seed`.

    >>> a, b = stream(1, "scan", "noise"), stream(1, "scan", "noise")
    >>> bool(a.random() == b.random())
    True
    >>> bool(stream(1, "scan").random() == stream(1, "fit").random())
    False
    """
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=_key(names)))


def stream_seed(seed: int, *names: str) -> int:
    """A 63-bit integer seed for compiled code with its own counter-based generator."""
    return int(np.random.SeedSequence(entropy=seed, spawn_key=_key(names)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _key(names: tuple[str, ...]) -> tuple[int, ...]:
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
