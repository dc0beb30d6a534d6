"""What `import lutetia` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lutetia


@pytest.mark.parametrize("name", lutetia.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(lutetia, name).__doc__


def test_importing_loads_nothing_but_the_package() -> None:
    code = "import sys; before = set(sys.modules); import lutetia; print(sorted(m for m in set(sys.modules) - before if m.startswith(('lutetia.', 'numpy', 'numba'))))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = lutetia.nucleid
