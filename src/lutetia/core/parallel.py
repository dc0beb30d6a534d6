"""Work in parts, in order: in this process, or on a Dask cluster behind the same call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sized
from typing import Any, TypeVar

from .errors import BadInput, CouldNot

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

#: Compiled loops use all cores by themselves; two at once in one process are not safe with every threading layer of numba.
_ONE_AT_A_TIME = threading.Lock()
_CONNECT_S = 10.0


def run_chunks(
    function: Callable[[Chunk], Result],
    chunks: Iterable[Chunk],
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Result]:
    """Apply `function` to every chunk; the results stand in the order of the chunks, whoever computed them.

    The chunks, not the number of workers, decide what is computed together, so that results are the same bit for bit on the
    same kind of processor.

    Parameters
    ----------
    function : callable
        Of one chunk. With a scheduler it is sent to the workers: a function of a module, not a closure.
    chunks : iterable
        Taken one after the other where they are computed here, so that only one needs to be in memory.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``"tcp://10.0.0.5:8786"``, or ``"local"`` for worker processes on this machine
        (in a script of your own under ``if __name__ == "__main__":``, for they load it).
        Without it everything runs in this process.
    workers : int, optional
        Number of processes with ``"local"``, 2 if left out.
    progress : callable, optional
        Gets the part done, from 0 to 1.

    Raises
    ------
    BadInput
        `workers` without ``"local"``, or less than one.
    CouldNot
        The extra is missing, the scheduler does not answer or goes away, its workers have another version of lutetia or numpy, or a worker died.

    >>> run_chunks(sum, [(1, 2), (3, 4)])
    [3, 7]
    """
    if workers is not None and (scheduler != "local" or workers < 1):
        raise BadInput(f"workers={workers} with scheduler={scheduler!r}; give one worker or more, and the scheduler 'local': any other has its own.")
    if scheduler is None:
        return _here(function, chunks, progress)
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise CouldNot("A scheduler needs the extra 'cluster' (dask and distributed); install it with: pip install 'lutetia[cluster]'") from None
    if scheduler == "local":
        with LocalCluster(n_workers=workers or 2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL) as cluster, Client(cluster) as client:
            return _there(client, function, chunks, progress)
    try:
        client = Client(scheduler, timeout=_CONNECT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise CouldNot(f"No Dask scheduler answers at {scheduler!r} ({type(error).__name__}); give its address, such as 'tcp://10.0.0.5:8786', or 'local'.") from None
    with client:
        return _there(client, function, chunks, progress)


def _here(function: Callable[[Chunk], Result], chunks: Iterable[Chunk], progress: Callable[[float], None] | None) -> list[Result]:
    """In this process; without a length, progress is told at the end alone."""
    total = len(chunks) if isinstance(chunks, Sized) else None
    found = []
    for n, chunk in enumerate(chunks, 1):
        found.append(function(chunk))
        if progress is not None and total:
            progress(n / total)
    if progress is not None and not total:
        progress(1.0)
    return found


def _there(client: Any, function: Callable[[Chunk], Result], chunks: Iterable[Chunk], progress: Callable[[float], None] | None) -> list[Result]:
    """On the workers of `client`; an error of the function is raised here as it was there."""
    from concurrent.futures import CancelledError

    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    _check_versions(client)
    futures = client.map(_alone, [(function, chunk) for chunk in chunks], pure=False)
    try:
        for n, future in enumerate(as_completed(futures), 1):
            if future.status == "error":
                future.result()
            if progress is not None:
                progress(n / len(futures))
        return list(client.gather(futures))
    except CancelledError:
        raise CouldNot("The scheduler went away before all parts were done; start it again, or leave the scheduler out.") from None
    except KilledWorker:
        raise CouldNot("A worker of the scheduler died more than once on the same part, perhaps of too little memory; give it more, or leave the scheduler out.") from None
    finally:
        client.cancel(futures)


def _alone(work: tuple[Callable[[Chunk], Result], Chunk]) -> Result:
    function, chunk = work
    with _ONE_AT_A_TIME:
        return function(chunk)


def _versions() -> tuple[str, str]:
    import numpy as np

    from .. import __version__

    return __version__, np.__version__


def _check_versions(client: Any) -> None:
    """Another version may give other numbers, so that results would depend on who computed them."""
    try:
        theirs = set(client.run(_versions).values())
    except Exception as error:
        raise CouldNot(f"The workers of the scheduler cannot load lutetia ({type(error).__name__}); install this version there.") from None
    if not theirs:
        raise CouldNot("The scheduler has no workers; start some, or leave the scheduler out.")
    if theirs != {_versions()}:
        said = ", ".join(f"lutetia {a} with numpy {b}" for a, b in sorted(theirs))
        raise CouldNot(f"The workers of the scheduler have {said}, here are lutetia {_versions()[0]} with numpy {_versions()[1]}; install the same there.")
