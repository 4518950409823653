#!/usr/bin/env python3
"""Times and memory of the whole program, as docs/performance.md states them. Needs Python 3 and nothing else.

    cargo build --release -p autochrome-plugin -p autochrome-cli -p autochrome-stub -p autochrome-models --examples
    python3 models/benches/measure.py [memory] [start] [command] [batch]

Each time is the least or the median of several runs and stands beside its floor from the same run. The floor of the whole
command is the same program with the stub in place of the plugin, told to add no color: it decodes and encodes the same
pictures with the same codecs and does nothing else.
"""
import array
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = os.path.join(ROOT, "target", "release")
PROGRAM = os.path.join(BUILT, "autochrome")
STUB = os.path.join(BUILT, "libautochrome_stub.so")
LIBTORCH = os.path.join(ROOT, ".libtorch", "lib", "libtorch_cpu.so")


def run(*command, **environment):
    """Seconds on the wall, CPU seconds and peak MiB of a command that must succeed."""
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, {**os.environ, **environment},
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                                           (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(command)} failed with status {status}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median(runs, *command, **environment):
    return statistics.median(run(*command, **environment)[0] for _ in range(runs))


def row_of(width, y, bits):
    """A gray row with slopes and noise, big-endian."""
    top = (1 << bits) - 1
    noise = random.Random(y).randbytes(width)
    values = ((x * 7 // 8 + y + (noise[x] >> 3)) * (top // 255) % (top + 1) for x in range(width))
    if bits == 8:
        return bytes(values)
    row = array.array("H", values)
    row.byteswap()
    return row.tobytes()


def write_png(path, width, height, bits):
    """Rows repeat after 64, so that a large picture is made in seconds."""
    rows = [b"\0" + row_of(width, y, bits) for y in range(64)]
    packer = zlib.compressobj(1)
    with open(path, "wb") as file:
        def chunk(kind, data):
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
        file.write(b"\x89PNG\r\n\x1a\n")
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
        for y in range(height):
            data = packer.compress(rows[y % 64])
            if data:
                chunk(b"IDAT", data)
        chunk(b"IDAT", packer.flush())
        chunk(b"IEND", b"")


def write_tiff(path, width, height):
    """Gray, 16 bits, one strip, not packed."""
    rows = [row_of(width, y, 16) for y in range(64)]
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (273, 126), (277, 1), (278, height),
            (279, width * height * 2)]
    with open(path, "wb") as file:
        file.write(b"MM\0*" + struct.pack(">IH", 8, len(tags)))
        for tag, value in tags:
            file.write(struct.pack(">HHII", tag, 4, 1, value))
        file.write(bytes(126 - file.tell()))
        for y in range(height):
            file.write(rows[y % 64])


def memory(folder):
    print("memory: peak of the whole process, MiB (decode + result + the rest), and with the stub, without libtorch")
    for kind, width, height, bits, bound in [("png", 640, 480, 8, 450), ("png", 4000, 3000, 8, 450),
                                             ("tif", 4000, 3000, 16, 450), ("tif", 12000, 8334, 16, 1536),
                                             ("png", 4000, 3000, 16, 450), ("png", 12000, 8334, 16, 1536)]:
        path, output = os.path.join(folder, "in." + kind), os.path.join(folder, "out." + kind)
        if kind == "png":
            write_png(path, width, height, bits)
        else:
            write_tiff(path, width, height)
        _, _, peak = run(PROGRAM, path, "-o", output, "--overwrite", "--device", "cpu")
        _, _, stub = run(PROGRAM, path, "-o", output, "--overwrite", AUTOCHROME_PLUGIN=STUB)
        pictures = width * height * bits / 8 * 4 / 2**20
        print(f"  {width} x {height}, gray {bits} bits, {kind}: {peak:5.0f} ({pictures:.0f} + {peak - pictures:.0f}), "
              f"at most {bound}: {'holds' if peak < bound else 'EXCEEDED'}; with the stub {stub:.0f}")


def start(folder):
    path, output = os.path.join(folder, "in.png"), os.path.join(folder, "out.png")
    write_png(path, 32, 32, 8)
    python = sys.executable
    nothing = median(9, python, "-c", "import ctypes")
    bare = median(9, python, "-c", f"import ctypes; ctypes.CDLL({LIBTORCH!r})") - nothing
    stub = median(9, PROGRAM, path, "-o", output, "--overwrite", AUTOCHROME_PLUGIN=STUB)
    whole = median(9, PROGRAM, path, "-o", output, "--overwrite", "--device", "cpu")
    print("start-up, ms: 32 x 32 pixels from start to end, and the bare dlopen of libtorch")
    print(f"  dlopen {bare * 1e3:.0f}   program {whole * 1e3:.0f} ({whole / bare:.2f} times)   "
          f"without libtorch {stub * 1e3:.0f}")
    return whole - stub


def photograph(folder, name, width, height):
    """A JPEG, by the program itself."""
    png, jpeg = os.path.join(folder, "made.png"), os.path.join(folder, name)
    write_png(png, width, height, 8)
    run(PROGRAM, png, "-o", jpeg, "--overwrite", AUTOCHROME_PLUGIN=STUB)
    return jpeg


def second(small, large, kind, folder, **environment):
    """Seconds for `large` when a small picture has started everything, and for the whole of a run on `large` alone."""
    into = ["--format", kind, "--overwrite", "--device", "cpu"]
    done = subprocess.run([PROGRAM, small, large, "-o", os.path.join(folder, "both/"), "--json", *into],
                          env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    files = [json.loads(line) for line in done.stdout.splitlines()]
    took = next(file["ms"] for file in files if file.get("path") == large) / 1e3
    return took, run(PROGRAM, large, "-o", os.path.join(folder, "one." + kind), *into, **environment)[0]


def command(folder):
    start(folder)
    small = os.path.join(folder, "64.png")
    write_png(small, 64, 64, 8)
    large = photograph(folder, "12.jpg", 4000, 3000)
    plain = {"AUTOCHROME_PLUGIN": STUB, "AUTOCHROME_STUB": "plain"}
    print("whole command, 4000 x 3000, s: decoding and encoding alone, with the colors, start-up and model; start to end")
    for kind in ["png", "jpg"]:
        # Warm disk, and in turns, so that both meet the same machine.
        second(small, large, kind, folder)
        pairs = [(second(small, large, kind, folder, **plain), second(small, large, kind, folder)) for _ in range(7)]
        floor, took = (statistics.median(pair[which][0] for pair in pairs) for which in (0, 1))
        bare, whole = (statistics.median(pair[which][1] for pair in pairs) for which in (0, 1))
        print(f"  jpg to {kind}: {floor:.3f}   {took:.3f} ({took / floor:.2f} times)   {whole - took:.3f}; "
              f"{bare:.3f}   {whole:.3f} ({whole / bare:.2f} times)")


def batch(folder):
    count, photos = 200, os.path.join(folder, "photos")
    os.makedirs(photos, exist_ok=True)
    first = photograph(folder, "one.jpg", 1632, 1224)
    for index in range(count):
        os.link(first, os.path.join(photos, f"{index:03}.jpg"))
    cores = len(os.sched_getaffinity(0))
    print(f"batch of {count} photographs of 2 megapixels, {cores} cores")
    for jobs in [1, 2, 4]:
        output = os.path.join(folder, f"out{jobs}") + "/"
        wall, cpu, peak = run(PROGRAM, photos, "-o", output, "--jobs", str(jobs), "--device", "cpu")
        print(f"  --jobs {jobs}: {wall:6.1f} s, {count / wall:5.1f} photographs/s, cores busy {cpu / wall / cores:4.0%}, "
              f"peak {peak:.0f} MiB")


def main():
    parts = {"memory": memory, "start": start, "command": command, "batch": batch}
    asked = sys.argv[1:] or ["memory", "command", "batch"]
    if not set(asked) <= set(parts):
        sys.exit(f"expected some of {', '.join(parts)}; got {' '.join(asked)}")
    for part in asked:
        with tempfile.TemporaryDirectory() as folder:
            parts[part](folder)


main()
