"""Every shipped table is what its source record says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import lutetia.data as data
from lutetia.core import CouldNot
from lutetia.data import table, table_names


@pytest.mark.parametrize("name", table_names())
def test_table_names_its_source_units_and_hash(name: str) -> None:
    t = table(name)
    for key in ("title", "source", "licence", "sha256", "units"):
        assert t.source[key], f"{name} has no {key}"
    assert set(t.columns) <= set(t.source["units"]), f"{name}: a column has no unit"
    file = next(Path(data.__file__).parent.glob(f"tables/{name}/table.*"))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == t.sha256
    assert all(not a.flags.writeable for a in t.columns.values())


def test_a_changed_value_is_noticed(tmp_path, monkeypatch) -> None:
    source = Path(data.__file__).parent / "tables" / "ddep_evaluations"
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "table.csv").write_text((source / "table.csv").read_text().replace("856850", "864000"))
    (tmp_path / "t" / "SOURCE.toml").write_text((source / "SOURCE.toml").read_text())
    monkeypatch.setattr(data, "_ROOT", tmp_path)
    with pytest.raises(CouldNot, match="hash"):
        table.__wrapped__("t")


def test_rows_are_chosen_by_value() -> None:
    rows = table("ddep_evaluations").where("nuclide", "Lu-177")
    assert len(rows["value"]) == 3 and np.isnan(rows["energy_MeV"]).sum() == 1
