"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Every run of `make test` draws the same examples, so that a red run is a change's fault; `make validate` explores new ones.
settings.register_profile("lutetia", deadline=None, max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=200, derandomize=False, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lutetia")

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with measured cases and reference tables that lies beside the repository, where there is one."""
    if not _SHARED.is_dir():
        pytest.skip("no folder 'shared' beside the repository: measured cases are not available here")
    return _SHARED
