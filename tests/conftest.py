"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Hypothesis's own profile for CI would make every run draw the same examples.
settings.register_profile("lutetia", deadline=None, max_examples=30, derandomize=False, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lutetia")

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with measured cases and reference tables that lies beside the repository, where there is one."""
    if not _SHARED.is_dir():
        pytest.skip("no folder 'shared' beside the repository: measured cases are not available here")
    return _SHARED
