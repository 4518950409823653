#!/usr/bin/env python3
"""Makes lpips.safetensors: the reference for trainer/src/metric/lpips.rs.

    python3 -m venv /tmp/parity && /tmp/parity/bin/pip install numpy==2.4.6 safetensors==0.8.0
    /tmp/parity/bin/python tests/parity/make_lpips_fixture.py

A network with AlexNet's kernels, strides and paddings, 4 to 8 channels per layer and random weights; two images of 69 x 83
pixels (float32, integers 0 to 255); and their LPIPS, computed in float64 by loops over the kernels, following the paper
(Zhang et al. 2018) and the constants of version 0.1.
"""

import pathlib

import numpy as np
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
# Output channels, kernel, stride, padding, whether max pooling comes first.
LAYERS = [(4, 11, 4, 2, False), (6, 5, 1, 2, True), (8, 3, 1, 1, True), (6, 3, 1, 1, False), (5, 3, 1, 1, False)]
SHIFT = np.array([-0.030, -0.088, -0.188])[:, None, None]
SCALE = np.array([0.458, 0.448, 0.450])[:, None, None]


def windows(x, kernel, stride):
    """[c, h, w] to [c, kernel, kernel, rows, columns]."""
    rows, columns = ((side - kernel) // stride + 1 for side in x.shape[1:])
    out = np.empty((x.shape[0], kernel, kernel, rows, columns))
    for i in range(kernel):
        for j in range(kernel):
            out[:, i, j] = x[:, i : i + stride * rows : stride, j : j + stride * columns : stride][:, :rows, :columns]
    return out


def features(picture, tensors):
    x = (picture.transpose(2, 0, 1).astype(float) / 255 * 2 - 1 - SHIFT) / SCALE
    for index, (_, kernel, stride, padding, pooled) in enumerate(LAYERS):
        if pooled:
            x = windows(x, 3, 2).max((1, 2))
        x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
        weight, bias = (tensors[f"conv{index}.{kind}"].astype(float) for kind in ("weight", "bias"))
        x = np.einsum("oikl,iklhw->ohw", weight, windows(x, kernel, stride)) + bias[:, None, None]
        x = np.maximum(x, 0)
        yield x / (np.sqrt((x**2).sum(0, keepdims=True)) + 1e-10)


def main():
    random = np.random.default_rng(11)
    tensors, channels = {}, 3
    for index, (out, kernel, *_) in enumerate(LAYERS):
        weight = random.normal(0, (channels * kernel**2) ** -0.5, (out, channels, kernel, kernel))
        tensors[f"conv{index}.weight"] = weight.astype("float32")
        tensors[f"conv{index}.bias"] = random.normal(0, 0.1, out).astype("float32")
        tensors[f"lin{index}.weight"] = random.uniform(0, 1, (1, out, 1, 1)).astype("float32")
        channels = out
    one = random.integers(0, 256, (69, 83, 3))
    other = np.clip(one + random.integers(-60, 61, one.shape), 0, 255)
    distance = 0.0
    for index, pair in enumerate(zip(features(one, tensors), features(other, tensors))):
        squares = (pair[0] - pair[1]) ** 2
        distance += (squares * tensors[f"lin{index}.weight"][0].astype(float)).sum(0).mean()
    tensors |= {"picture0": one.astype("float32"), "picture1": other.astype("float32"), "distance": np.array([distance], "float32")}
    save_file(tensors, HERE / "lpips.safetensors")
    print(f"LPIPS {distance:.9f}")


if __name__ == "__main__":
    main()
