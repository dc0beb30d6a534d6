"""Makes the images beside this file: the synthetic patient of `lutetia demo` on a coarse grid, as NIfTI.

Run it again to get the same bytes: python examples/images/make_images.py
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from lutetia.chain import demo, phantom
from lutetia.imaging import write_nifti
from lutetia.imaging.volume import Geometry, Volume

HERE = Path(__file__).parent
VOXEL_MM, COLUMNS, ROWS, SLICES = 8.0, 52, 35, 50


def save(name: str, values: np.ndarray, geometry: Geometry, quantity: str) -> None:
    """Write a file and compress it as far as gzip can."""
    path = HERE / name
    write_nifti(path, Volume(values, geometry, quantity))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=9, mtime=0))


affine = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
affine[:3, 3] = 2 - (COLUMNS - 1) / 2 * VOXEL_MM, -(ROWS - 1) / 2 * VOXEL_MM, -216.0
patient = phantom.draw(Geometry((SLICES, ROWS, COLUMNS), affine))
for number, time_h in enumerate(demo.SCAN_TIMES_H, 1):
    spect = demo.noisy_spect(patient, time_h, 1, number)
    root = np.rint(np.sqrt(np.maximum(spect, 0)) * 0.3) / 0.3  # rounded finer than the noise, so that it compresses well
    save(f"spect{number}.nii.gz", root**2, patient.geometry, "activity concentration [Bq/mL]")
save("ct.nii.gz", np.rint(patient.hu / 5) * 5, patient.geometry, "HU")
labels = np.zeros(patient.geometry.shape, int)
for number, organ in enumerate((o for o in phantom.ORGANS if o.contoured), 1):
    labels[patient.mask(organ.name) & (labels == 0)] = number
save("labels.nii.gz", labels, patient.geometry, "label")
