#!/usr/bin/env python3
"""Makes lab_grid.bin: the reference for models/pixels/src/color.

    python3 -m venv /tmp/parity && /tmp/parity/bin/pip install scikit-image==0.26.0
    /tmp/parity/bin/python tests/parity/make_color_fixtures.py

lab_grid.bin contains little-endian float32, shape (33, 33, 33, 3): L, a, b of the sRGB colors whose 8-bit
channels are 0, 8, ..., 248, 255; red is the outermost axis, blue the innermost. scikit-image computes them in
float64 (D65, 2 degrees) and they are rounded once.

ciede2000_sharma2005.csv is typed in by hand: the 34 pairs of table 1 of G. Sharma, W. Wu, E. N. Dalal, "The
CIEDE2000 color-difference formula", Color Research and Application 30 (2005). This script only checks it.
"""

import pathlib

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

HERE = pathlib.Path(__file__).parent


def lab_grid() -> np.ndarray:
    axis = np.minimum(np.arange(0, 257, 8), 255) / 255.0
    return rgb2lab(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1))


def check_sharma() -> None:
    rows = np.loadtxt(HERE / "ciede2000_sharma2005.csv", delimiter=",", skiprows=1)
    assert rows.shape == (34, 7), rows.shape
    error = np.abs(deltaE_ciede2000(rows[:, :3], rows[:, 3:6]) - rows[:, 6])
    # Rows 9 to 15 straddle a hue difference of 180 degrees, where the last bit picks the branch.
    assert np.delete(error, range(8, 15)).max() < 1e-4, error
    assert error.max() < 0.06, error


if __name__ == "__main__":
    check_sharma()
    lab_grid().astype("<f4").tofile(HERE / "lab_grid.bin")
