"""Compares what `autochrome` makes of a folder of files with what other programs read, kind by kind.

The idea: **a result keeps the photograph's lightness, so the file that went in is the reference.** Each file is run
through `autochrome` with a plugin that adds no color, and the result is compared with what Pillow (and libvips, where
pyvips is installed) reads: L, size, orientation, alpha, pages, EXIF, XMP, and dpi. A file counts as the same if any
of them agrees. It reads where the files lie, whosever they are, and writes only to a temporary folder.

    cargo build --release -p autochrome-cli -p autochrome-stub
    pip install numpy pillow 'pyvips[binary]' pillow-jxl-plugin
    python docs/research/compare-suite.py FOLDER [--list faults.tsv] [--worst 20]
"""

import argparse
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import warnings
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

try:
    import pillow_jxl  # noqa: F401  registers JPEG XL
except ImportError:
    pass
try:
    import pyvips
except (ImportError, OSError):
    pyvips = None

Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore")
ROOT = Path(__file__).resolve().parents[2]
# Decoders differ in how they round and upsample; more than this in CIELAB L is another picture.
SAME_MEAN, SAME_MOST = 0.6, 3.0
MAX_PIXELS = 60_000_000
# Floats and integers of 32 bits have no scale that programs agree on: autochrome states its own.
NO_SCALE = "read, but with a scale of its own: not compared"
KINDS = [
    ("JPEG", b"\xff\xd8\xff"), ("PNG", b"\x89PNG\r\n"), ("TIFF", b"II*\0"), ("TIFF", b"MM\0*"), ("BigTIFF", b"II+\0"),
    ("BigTIFF", b"MM\0+"), ("JPEG XL", b"\xff\x0a"), ("JPEG XL", b"\0\0\0\x0cJXL "), ("BMP", b"BM"), ("GIF", b"GIF8"),
    ("JPEG 2000", b"\0\0\0\x0cjP"),
]


def kind_of(path):
    """The kind of a file, by its content; None where it is no picture that anyone here might read."""
    with open(path, "rb") as file:
        start = file.read(16)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"msf1"):
        return "HEIC, AVIF"
    if start[:1] == b"P" and start[1:2] in b"1234567" and start[2:3].isspace():
        return "PNM"
    return next((kind for kind, signature in KINDS if start.startswith(signature)), None)


def lightness(rgb):
    """CIELAB L of sRGB values from 0 to 1."""
    rgb = np.clip(rgb, 0, 1)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722]) if rgb.ndim == 3 else linear
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)


def planes(samples):
    """L and alpha of an array of samples from 0 to 1, height x width x channels."""
    channels = samples.shape[2]
    alpha = samples[:, :, -1] if channels in (2, 4) else None
    color = samples[:, :, :3] if channels >= 3 else np.repeat(samples[:, :, :1], 3, axis=2)
    return lightness(color), alpha


# --- What came out: TIFF as autochrome writes it, plain strips -----------------------------------------------------


def directories(data):
    """The directories of a little-endian TIFF file: tag -> numbers or bytes."""
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 11: 4}
    letters = {3: "H", 4: "I"}
    at = struct.unpack_from("<I", data, 4)[0]
    while at:
        count = struct.unpack_from("<H", data, at)[0]
        found = {}
        for index in range(count):
            tag, form, many = struct.unpack_from("<HHI", data, at + 2 + 12 * index)
            place = at + 2 + 12 * index + 8
            length = many * sizes.get(form, 1)
            if length > 4:
                place = struct.unpack_from("<I", data, place)[0]
            raw = data[place:place + length]
            found[tag] = struct.unpack(f"<{many}{letters[form]}", raw) if form in letters else raw
        yield found
        at = struct.unpack_from("<I", data, at + 2 + 12 * count)[0]


def result(path):
    """Every page of a result: L, alpha, and metadata."""
    data = path.read_bytes()
    pages = []
    for tags in directories(data):
        width, height, channels = tags[256][0], tags[257][0], tags.get(277, (1,))[0]
        bits = tags[258][0]
        strips = b"".join(data[a:a + n] for a, n in zip(tags[273], tags[279]))
        kind, most = {8: ("u1", 255), 16: ("<u2", 65535), 32: ("<f4", 1)}[bits]
        samples = np.frombuffer(strips, kind).reshape(height, width, channels).astype(np.float64) / most
        light, alpha = planes(samples)
        unit = {2: 1.0, 3: 2.54}.get(tags.get(296, (2,))[0])
        dpi = None
        if len(tags.get(282, b"")) == 8 and unit:
            above, below = struct.unpack("<II", tags[282])
            dpi = unit * above / below if below else None
        pages.append({"L": light, "alpha": alpha, "xmp": 700 in tags, "exif": 34665 in tags, "dpi": dpi})
    return pages


# --- What others read ----------------------------------------------------------------------------------------------


def tiff_pages(image):
    """Pages of a TIFF but reduced versions of others and masks, as far as the first hundred."""
    count = min(image.n_frames, 100)
    minor = 0
    for index in range(count):
        image.seek(index)
        minor += bool(image.tag_v2.get(254, 0) & 0b101)
    image.seek(0)
    return count - minor or count


def with_pillow(path):
    """The first picture as Pillow reads it, and its number of pages."""
    with Image.open(path) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError("too large to compare")
        pages = tiff_pages(image) if image.format == "TIFF" else 1
        image.load()
        info = image.info
        facts = {
            "exif": bool(image.getexif().get_ifd(34665)), "xmp": bool(info.get("xmp") or info.get("XML:com.adobe.xmp")),
            "dpi": float(info["dpi"][0]) if "dpi" in info else None, "pages": pages,
        }
        # Pillow says 72 where EXIF is there and states nothing; what BMP states is not kept, as the manual says.
        if image.format == "BMP" or facts["dpi"] == 72 and not info.get("jfif_unit"):
            facts["dpi"] = None
        icc = info.get("icc_profile")
        image = ImageOps.exif_transpose(image)
        facts["alpha"] = None
        if image.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in info:
            rgba = image.convert("RGBA")
            facts["alpha"] = np.asarray(rgba)[:, :, 3] / 255
            image = rgba.convert("RGB")
        if image.mode.startswith("I;16") or image.mode == "I" and image.format in ("PNG", "PPM"):
            samples = np.asarray(image).astype(np.float64) / 65535
        elif image.mode in ("I", "F"):
            raise ValueError(NO_SCALE)
        else:
            if icc and image.mode in ("RGB", "L"):
                source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
                target = ImageCms.createProfile("sRGB")
                image = ImageCms.profileToProfile(
                    image, source, target, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
                )
            samples = np.asarray(image.convert("RGB")) / 255
        facts["L"] = lightness(samples)
    return facts


def with_vips(path):
    """The first picture as libvips reads it."""
    image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
    if image.width * image.height > MAX_PIXELS:
        raise ValueError("too large to compare")
    if image.format not in ("uchar", "ushort"):
        raise ValueError(NO_SCALE)
    image = image.autorot().copy_memory()
    alpha = None
    if image.hasalpha():
        band = image[image.bands - 1]
        most = {"ushort": 65535, "uchar": 255}.get(image.format, 1 if image.interpretation == "scrgb" else 255)
        alpha = band.numpy().astype(np.float64) / most
        image = image[0:image.bands - 1]
    if image.get_typeof("icc-profile-data") and image.bands in (1, 3):
        image = image.icc_transform("srgb", embedded=True, intent="relative", depth=16)
    elif image.interpretation not in ("rgb16", "grey16", "srgb", "b-w"):
        image = image.colourspace("srgb")
    samples = image.numpy().astype(np.float64)
    samples /= {"ushort": 65535, "uchar": 255}.get(image.format, 1)
    samples = samples if samples.ndim == 3 else samples[:, :, None]
    return {"L": planes(samples[:, :, :3] if samples.shape[2] >= 3 else samples[:, :, :1])[0], "alpha": alpha}


# --- Comparing -----------------------------------------------------------------------------------------------------


def off_by(ours, theirs):
    """How far L and alpha are apart: mean, largest of 99%, and a word where the pictures cannot be compared."""
    if ours["L"].shape != theirs["L"].shape:
        (h, w), (y, x) = ours["L"].shape, theirs["L"].shape
        turned = " (turned)" if (h, w) == (x, y) else ""
        return 100.0, 100.0, f"size {w} x {h}, expected {x} x {y}{turned}"
    away = np.abs(ours["L"] - theirs["L"])
    word = ""
    if (ours["alpha"] is None) != (theirs["alpha"] is None):
        shown = ours["alpha"] if ours["alpha"] is not None else theirs["alpha"]
        if shown.min() < 0.99:
            word = "alpha " + ("added" if ours["alpha"] is not None else "lost")
    if theirs["alpha"] is not None:
        if ours["alpha"] is not None and np.abs(ours["alpha"] - theirs["alpha"]).max() > 0.01:
            word = "alpha differs"
        # What is nearly transparent has no color to speak of.
        away = away[theirs["alpha"] > 0.05]
    if away.size == 0:
        return 0.0, 0.0, word
    return float(away.mean()), float(np.percentile(away, 99)), word


def read_by_others(path):
    """What each reference decoder reads, or says."""
    read, refused = {}, {}
    for name, reader in [("Pillow", with_pillow)] + ([("libvips", with_vips)] if pyvips else []):
        try:
            read[name] = reader(path)
        except Exception as error:  # noqa: BLE001  whatever it is, it does not read the file
            refused[name] = " ".join(str(error).split())[:120] or type(error).__name__
    return read, refused


def run(args, path, folder):
    """What autochrome makes of a file: its report, and its pages where there are any."""
    out = folder / "out.tif"
    environment = dict(os.environ, AUTOCHROME_PLUGIN=str(args.plugin), AUTOCHROME_STUB="plain")
    words = [args.autochrome, str(path), "-o", str(out), "--json", "--no-provenance", "--threads", "1"]
    try:
        ran = subprocess.run(words, capture_output=True, env=environment, timeout=args.seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"status": "hangs", "message": f"more than {args.seconds} s"}, []
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith(b"{")]
    report = next((line for line in lines if line.get("event") == "file"), None)
    if report is None:
        return {"status": "crashes", "message": f"exit {ran.returncode}: {ran.stderr[-200:]!r}"}, []
    try:
        return report, result(out) if report["status"] == "done" else []
    except Exception as error:  # noqa: BLE001  a result that is no TIFF is a find
        return {"status": "crashes", "message": f"the result cannot be read: {error!r}"}, []


def lost(ours, theirs, notes):
    """Metadata that is gone without a note, or was never there."""
    said = " ".join(notes)
    found = [what.upper() for what in ("exif", "xmp") if theirs[what] and not ours[what] and what.upper() not in said]
    if theirs["dpi"] and theirs["dpi"] > 1.5 and (not ours["dpi"] or abs(ours["dpi"] / theirs["dpi"] - 1) > 0.02):
        found.append(f"dpi {ours['dpi']}, expected {theirs['dpi']:.4g}")
    return found


def compare(args, path):
    """One file: its kind, the verdict, how far L is off, and a sentence."""
    kind = kind_of(path)
    with tempfile.TemporaryDirectory(prefix="compare-suite-") as folder:
        report, pages = run(args, path, Path(folder))
    if report["status"] in ("hangs", "crashes"):
        return kind, report["status"], 100.0, report["message"], []
    read, refused = read_by_others(path)
    message = report.get("message") or ""
    if not pages:
        internal = "internal error" in message or "defect" in message
        readers = [*read, *(name for name, why in refused.items() if why == NO_SCALE)]
        verdict = "internal error" if internal else "refused by us" if readers else "refused by all"
        by = f" [read by {', '.join(readers)}]" if readers else ""
        return kind, verdict, 0.0, message + by, []
    if not read:
        verdict = "not compared" if NO_SCALE in refused.values() else "refused by them"
        return kind, verdict, 0.0, "; ".join(f"{name}: {why}" for name, why in refused.items()), []
    apart = {name: off_by(pages[0], theirs) for name, theirs in read.items()}
    best = min(apart, key=lambda name: (bool(apart[name][2]), apart[name][0]))
    mean, most, word = apart[best]
    notes = report.get("notes") or []
    gone = lost(pages[0], read["Pillow"], notes) if "Pillow" in read else []
    expected = read.get("Pillow", {}).get("pages", len(pages))
    if len(pages) != expected:
        gone.append(f"{len(pages)} pages, expected {expected}")
    others = ", ".join(f"{name} {found[0]:.1f}/{found[1]:.1f} {found[2]}".strip() for name, found in apart.items())
    sentence = f"{others}; refused by {', '.join(refused) or 'none'}; notes: {' | '.join(notes) or 'none'}"
    same = mean <= SAME_MEAN and most <= SAME_MOST and not word
    return kind, "same" if same else "differs", mean if not word else max(mean, 50.0), sentence, gone


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--autochrome", default=str(ROOT / "target/release/autochrome"))
    parser.add_argument("--plugin", type=Path, default=ROOT / "target/release/libautochrome_stub.so")
    parser.add_argument("--seconds", type=float, default=60, help="longest time for a file")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--worst", type=int, default=15, help="how many of the worst of each verdict are listed")
    parser.add_argument("--list", type=Path, help="write a line for every file here, outside of FOLDER")
    args = parser.parse_args()
    files = sorted(path for path in args.folder.rglob("*") if path.is_file() and kind_of(path))
    rows = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for row in pool.map(lambda path: (path, *compare(args, path)), files):
            rows.append(row)
            print(f"\r{len(rows)} of {len(files)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    counts = defaultdict(lambda: defaultdict(int))
    for _, kind, verdict, _, _, gone in rows:
        counts[kind][verdict] += 1
        counts[kind]["metadata"] += bool(gone)
    columns = [
        "same", "differs", "refused by us", "refused by them", "refused by all", "not compared", "internal error",
        "hangs", "crashes", "metadata",
    ]
    print("| kind | files | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 2))
    for kind in sorted(counts):
        total = sum(counts[kind][column] for column in columns[:-1])
        print(f"| {kind} | {total} | " + " | ".join(str(counts[kind][column]) for column in columns) + " |")
    for verdict in ["crashes", "hangs", "internal error", "differs", "refused by us"]:
        worst = sorted((row for row in rows if row[2] == verdict), key=lambda row: -row[3])
        if worst:
            print(f"\n{verdict}: {len(worst)}")
        for path, kind, _, mean, sentence, _ in worst[:args.worst]:
            print(f"  {path.relative_to(args.folder)} [{kind}] {mean:.1f}: {sentence}")
    gone = [row for row in rows if row[5]]
    if gone:
        print(f"\nmetadata: {len(gone)}")
    for path, kind, _, _, _, what in gone[:args.worst]:
        print(f"  {path.relative_to(args.folder)} [{kind}]: {', '.join(what)}")
    if args.list:
        lines = [
            "\t".join([kind, verdict, f"{mean:.2f}", str(path), sentence, ", ".join(what)])
            for path, kind, verdict, mean, sentence, what in rows
        ]
        args.list.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
