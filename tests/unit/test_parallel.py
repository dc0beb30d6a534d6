"""Work in parts: the order of the chunks, the same bits from two worker processes, errors as they were raised."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from lutetia.chain.simulate import run_simulate
from lutetia.cli.app import app
from lutetia.core import BadInput, CouldNot, LutetiaError, run_chunks

ASK = {"activity_Bq": 7.4e9, "ligand_nmol": 57.0, "seed": 3}


def _fold(n: int) -> float:
    if n < 0:
        raise BadInput(f"{n} is below zero; give more.")
    return float(np.sin(np.arange(1000 + n)).sum())


def test_results_stand_in_the_order_of_the_chunks_and_progress_is_told() -> None:
    seen: list[float] = []
    assert run_chunks(str, [3, 1, 2], progress=seen.append) == ["3", "1", "2"]
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])
    assert run_chunks(str, iter([3, 1]), progress=seen.append) == ["3", "1"] and seen[3:] == [1.0]
    assert run_chunks(str, []) == []


def test_chunks_are_taken_one_after_the_other() -> None:
    alive: list[int] = []

    def chunks():  # type: ignore[no-untyped-def]
        for n in range(3):
            alive.append(n)
            yield n

    def seen(n: int) -> int:
        return len(alive) - n

    assert run_chunks(seen, chunks()) == [1, 1, 1]


def test_workers_without_a_cluster_of_their_own_are_refused() -> None:
    for scheduler, workers in ((None, 2), ("tcp://127.0.0.1:1", 2), ("local", 0)):
        with pytest.raises(BadInput, match="workers"):
            run_chunks(_fold, [1], scheduler=scheduler, workers=workers)


def test_a_scheduler_needs_something_to_share_out() -> None:
    with pytest.raises(BadInput, match="--population"):
        run_simulate("177Lu-PSMA-617", **ASK, scheduler="local")
    with pytest.raises(BadInput, match="population model"):
        run_simulate("177Lu-PSMA-617", **ASK, kinetics="PSMA-617-Siebinga-2023", population=5, scheduler="local")


def test_without_the_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(CouldNot, match=r"lutetia\[cluster\]"):
        run_chunks(_fold, [1], scheduler="local")


@pytest.fixture(scope="module")
def address():  # type: ignore[no-untyped-def]
    """A local cluster of two worker processes, made once."""
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' (dask and distributed) is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_order_bits_progress_and_errors_are_those_of_this_process(address: str) -> None:
    chunks, seen = [5, 0, 7, 3, 9, 1], []
    assert run_chunks(_fold, chunks, scheduler=address, progress=seen.append) == run_chunks(_fold, chunks)
    assert len(seen) == 6 and seen == sorted(seen) and seen[-1] == 1.0
    with pytest.raises(BadInput, match="-2 is below zero"):
        run_chunks(_fold, [1, -2, 3], scheduler=address)


def test_a_population_is_the_same_bit_for_bit(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lutetia.chain.simulate_body._CHUNK", 25)  # four parts for two workers of two threads each
    shared, here = (run_simulate("177Lu-PSMA-617", **ASK, population=90, scheduler=s) for s in (address, None))
    assert shared == here and here["population"]["patients"] == 90


def test_the_command_takes_the_address(address: str) -> None:
    asked = ["simulate", "177Lu-PSMA-617", "--activity", "7.4 GBq", "--ligand", "57 nmol", "--population", "40", "--json"]
    shared, here = (CliRunner().invoke(app, [*asked, *more]) for more in (["--scheduler", address], []))
    assert shared.exit_code == 0 and shared.stdout == here.stdout


def test_workers_of_another_version_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lutetia.__version__", "9.9")
    with pytest.raises(CouldNot, match=r"here are lutetia 9\.9"):
        run_chunks(_fold, [1], scheduler=address)


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra 'cluster' (dask and distributed) is not installed")
    monkeypatch.setattr("lutetia.core.parallel._CONNECT_S", 0.5)
    for address in ("tcp://127.0.0.1:1", "nowhere", "x://y"):
        with pytest.raises(LutetiaError, match="No Dask scheduler answers"):
            run_chunks(_fold, [1], scheduler=address)
