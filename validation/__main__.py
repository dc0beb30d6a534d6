"""Run every comparison and write docs/validation.md; the sweeps of docs/crossfire.md and docs/binding.md."""

from __future__ import annotations

import sys
from pathlib import Path

from lutetia import __version__

from . import (
    binding,
    cells,
    crossfire,
    forecast,
    kinetics,
    network,
    patients,
    physics,
    planning,
    production,
    supply,
)
from .compare import Section


def sections() -> list[Section]:
    """All comparisons, in the order of the page."""
    return [
        *physics.spheres(), physics.point_kernel(), *physics.voxels(), physics.organs(), physics.photon_cube(), physics.ranges(), physics.chains(),
        *cells.sections(), *kinetics.sections(), *forecast.sections(), *patients.sections(), *planning.sections(),
        *production.sections(), *supply.sections(), *network.sections(),
    ]  # fmt: skip


def main() -> int:
    found = sections()
    missed = [f"{s.title}: {r.what} {r.difference:+.2%}" for s in found for r in s.rows if not r.within]
    head = [
        "# Validation", "",
        f"What lutetia {__version__} was compared with, and how far off it is. Written by `make validate`; do not edit.", "",
        "The references are quoted as facts with their source. Where independent sources differ among themselves, the tolerance is the one at which they agree.", "",
        f"{sum(len(s.rows) for s in found)} comparisons, {len(missed)} outside what was wanted" + (":" if missed else "."), "",
        *[f"- {m}" for m in missed], *([""] if missed else []),
    ]  # fmt: skip
    page = "\n".join(head) + "\n" + "\n".join(s.markdown() for s in found)
    (Path(__file__).parents[1] / "docs" / "validation.md").write_text(page.rstrip() + "\n")
    print(page)
    print(crossfire.write())
    print(binding.write())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
