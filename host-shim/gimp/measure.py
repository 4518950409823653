#!/usr/bin/env python3
"""What colors cost inside GIMP 2.10, against the command line in the same run.

    python3 host-shim/gimp/measure.py            (after cargo build --release --workspace)

For each size: the procedure from its start to its result, as Script-Fu's clock tells; the same with the stub plugin, which
only tints, so that what is left is GIMP's share (the start of the plug-in, pixels to it and back, the new layer); and
`autochrome` for the same file, PNM to PNM. The middle of three runs. For the largest, peaks of memory. Standard library only.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
PLUG_INS = next((p for p in map(Path, ["/usr/lib/gimp/2.0/plug-ins", *Path("/usr/lib").glob("*/gimp/2.0/plug-ins")]) if p.is_dir()), None)
SIZES = [(640, 400), (3000, 2000), (6000, 4000)]
RUNS = 3

SCRIPT = """
(define (now) (let ((t (gettimeofday))) (+ (* 1.0 (car t)) (/ (cadr t) 1000000.0))))
(let* ((image (car (gimp-file-load RUN-NONINTERACTIVE "{photo}" "photo")))
       (layer (car (gimp-image-get-active-drawable image)))
       (start (now)))
  (plug-in-autochrome-colorize RUN-NONINTERACTIVE image layer "" 1.0 -1.0 0 "cpu")
  (let ((out (open-output-file "{answer}")))
    (display (- (now) start) out)
    (close-output-port out))
  (gimp-image-delete image))
"""


def photograph(path, width, height):
    """A gray picture with shades and edges, as PGM."""
    row = bytes((20 + x * 150 // width + (60 if x * 24 // width % 2 else 0)) % 256 for x in range(width))
    dark = bytes(value * 2 // 3 for value in row)
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (width, height))
        for y in range(height):
            file.write(dark if y * 16 // height % 2 else row)


def profile(folder):
    """A profile with the plug-in and few of GIMP's own; the first start lists them."""
    plug_in = folder / "profile/plug-ins/autochrome-gimp"
    plug_in.mkdir(parents=True)
    (plug_in / "autochrome-gimp").symlink_to(BUILT / "autochrome-gimp")
    for name in ["script-fu", "file-pnm"]:
        (folder / "few" / name).mkdir(parents=True)
        (folder / "few" / name / name).symlink_to(PLUG_INS / name / name)
    (folder / "profile/gimprc").write_text(f'(plug-in-path "{folder}/profile/plug-ins:{folder}/few")\n')


def peaks(marks, stop, found):
    """Notes the largest VmHWM of the processes whose command line begins with a mark."""
    while not stop.is_set():
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                line = (status.parent / "cmdline").read_bytes().decode(errors="replace")
                for mark in marks:
                    if line.startswith(mark):
                        text = status.read_text()
                        peak = int(text.split("VmHWM:")[1].split()[0]) // 1024
                        found[mark] = max(found.get(mark, 0), peak)
            except (OSError, IndexError):
                pass
        time.sleep(0.02)


def in_gimp(folder, photo, stub, found=None):
    """Seconds of the procedure."""
    answer = folder / "answer"
    answer.unlink(missing_ok=True)
    environment = {**os.environ, "GIMP2_DIRECTORY": str(folder / "profile")}
    if stub:
        environment |= {"AUTOCHROME_PLUGIN": str(BUILT / "libautochrome_stub.so"), "AUTOCHROME_STUB": "ok"}
    stop = threading.Event()
    marks = [str(folder / "profile/plug-ins/autochrome-gimp/autochrome-gimp"), "gimp-console-2.10"]
    watcher = threading.Thread(target=peaks, args=(marks, stop, found if found is not None else {}))
    watcher.start()
    batch = SCRIPT.format(photo=photo, answer=answer)
    command = ["gimp-console-2.10", "-i", "-d", "-f", "-s", "-b", batch, "-b", "(gimp-quit 1)"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    stop.set()
    watcher.join()
    if not answer.exists():
        sys.exit(f"GIMP failed: {ran.stdout}{ran.stderr}")
    return float(answer.read_text())


def by_command_line(folder, photo):
    """Seconds of the whole program, and its peak in MiB."""
    command = [BUILT / "autochrome", photo, "-o", folder / "out.ppm", "--overwrite", "--device", "cpu"]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"autochrome failed: {process.stderr.read().decode()}")
    return time.monotonic() - start, usage.ru_maxrss // 1024


def middle(values):
    return sorted(values)[len(values) // 2]


def main():
    if PLUG_INS is None:
        sys.exit("GIMP 2.10 is not installed: expected its plug-ins below /usr/lib")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile(folder)
        first = folder / "first.pgm"
        photograph(first, 64, 64)
        in_gimp(folder, first, True)
        print("| size | in GIMP, s | with the stub, s | command line, s | in GIMP / command line |\n|---|---|---|---|---|")
        memory = {}
        for width, height in SIZES:
            photo = folder / "photo.pgm"
            photograph(photo, width, height)
            rounds = [
                (in_gimp(folder, photo, False, memory), in_gimp(folder, photo, True), by_command_line(folder, photo))
                for _ in range(RUNS)
            ]
            whole, stub = middle([r[0] for r in rounds]), middle([r[1] for r in rounds])
            line, peak = middle([r[2][0] for r in rounds]), max(r[2][1] for r in rounds)
            print(f"| {width} x {height} | {whole:.2f} | {stub:.2f} | {line:.2f} | {whole / line:.2f} |", flush=True)
        names = {mark: mark.rsplit("/", 1)[-1] for mark in memory}
        told = ", ".join(f"{names[mark]} {value} MiB" for mark, value in memory.items())
        print(f"\nPeaks at the largest size: {told}, command line {peak} MiB")


main()
