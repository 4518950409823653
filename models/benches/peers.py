#!/usr/bin/env python3
"""Times the network that ships beside published ones: same machine, same run, same threads, taking turns.

    git clone https://github.com/richzhang/colorization PEERS/colorization    # timed at 4bda68f
    git clone https://github.com/piddnad/DDColor PEERS/DDColor                # timed at 2adb63f
    cargo build --release -p autochrome-models --example forward
    python3 models/benches/peers.py --peers PEERS [--threads 2] [--side 256] [--rounds 20] [--channels-last] \\
        [--others 0.05]

Needs PyTorch of the version of libtorch, and nothing else. The peers are built from their authors' code with random weights
and run as it stands: one picture, float32, eager, no_grad. ECCV16 (Zhang et al. 2016) is `colorizers.eccv16`, DDColor-tiny
(Kang et al. 2023) `ddcolor.model.DDColor` as `ddcolor/pipeline.py` builds its `tiny`. What only training, debugging and
reading pictures need is not imported: the packages' own `__init__.py` are passed over, timm and IPython are stood in for.
`--channels-last` times each peer once more in the layout that the CPU is fastest in, which its authors do not use.
One thread is timed by what it ran, so that other programs do not count; several by the clock on the wall: threads that wait
for each other take many times as long where another program holds a core. `--others` passes over the rounds in which other
programs took more than that share of the machine (on Linux).
Ours is the package `autochrome` from the example `forward`, prepared as the plug-in prepares it.
"""
import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
import types
import warnings

import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FORWARD = os.path.join(ROOT, "target", "release", "examples", "forward")


def stand_in(name, folder=None, **members):
    """A module without code of its own; with a folder, a package whose files are found there."""
    module = types.ModuleType(name)
    vars(module).update(members)
    if folder:
        if not os.path.isdir(folder):
            sys.exit(f"{folder}: expected a checkout, found no such folder; --help says where it comes from")
        module.__path__ = [folder]
    sys.modules[name] = module


def zhang(peers):
    stand_in("colorizers", os.path.join(peers, "colorization", "colorizers"))
    stand_in("IPython", embed=None)
    network = importlib.import_module("colorizers.eccv16").eccv16(pretrained=False)
    return network, lambda side: torch.rand(1, 1, side, side) * 100


def ddcolor(peers):
    checkout = os.path.join(peers, "DDColor")
    for package in ["ddcolor", "basicsr", "basicsr.archs", "basicsr.archs.ddcolor_arch_utils"]:
        stand_in(package, os.path.join(checkout, *package.split(".")))
    for package in ["timm", "timm.models"]:
        stand_in(package)
    # DropPath is made for training only.
    stand_in("timm.models.layers", trunc_normal_=torch.nn.init.trunc_normal_, DropPath=None)
    network = importlib.import_module("ddcolor.model").DDColor(
        encoder_name="convnext-t", decoder_name="MultiScaleColorDecoder", input_size=(256, 256), num_output_channels=2,
        last_norm="Spectral", do_normalize=False, num_queries=100, num_scales=3, dec_layers=9)
    return network, lambda side: torch.rand(1, 3, side, side)


def commit(checkout):
    command = ["git", "-C", checkout, "rev-parse", "--short", "HEAD"]
    known = os.path.isdir(os.path.join(checkout, ".git"))
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() if known else "no git here"


def timer(network, x, threads):
    clock = time.thread_time if threads == 1 else time.perf_counter

    def run(times):
        taken = []
        for _ in range(times):
            start = clock()
            network(x)
            taken.append((clock() - start) * 1e3)
        return taken
    return run


def seconds_of_others(process):
    """What everything but these two processes has run so far; the time a hypervisor took away is among it."""
    tick = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat") as file:
        user, nice, system, _, _, *rest = map(int, file.readline().split()[1:9])
    with open(f"/proc/{process}/stat") as file:
        ran = sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
    return (user + nice + system + sum(rest) - ran) / tick - time.process_time()


def ours(side, threads):
    """The shipped network in a process of its own, and its number: runs a line in, their times a line out."""
    if not os.path.exists(FORWARD):
        sys.exit(f"{FORWARD}: expected the built example, found none; "
                 "run cargo build --release -p autochrome-models --example forward")
    shipped = os.path.join(ROOT, "models", "packages", "autochrome")
    process = subprocess.Popen([FORWARD, shipped, str(side), str(threads)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(times):
        print(times, file=process.stdin, flush=True)
        return json.loads(process.stdout.readline())

    def run_alone(times):
        # The clock of what another process ran, as clock_getcpuclockid(3) makes its number.
        clock = ~process.pid << 3 | 2
        taken = []
        for _ in range(times):
            start = time.clock_gettime(clock)
            run(1)
            taken.append((time.clock_gettime(clock) - start) * 1e3)
        return taken
    return process.pid, run_alone if threads == 1 else run


def peers(options):
    """Name, runs a turn and how to run."""
    for name, folder, make in [("ECCV16", "colorization", zhang), ("DDColor-tiny", "DDColor", ddcolor)]:
        network, picture = make(options.peers)
        network.eval()
        parameters = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        print(f"{name}: {parameters:.1f} M parameters, {commit(os.path.join(options.peers, folder))}")
        x = picture(options.side)
        yield name, 1, timer(network, x, options.threads)
        if options.channels_last:
            make_anew, _ = make(options.peers)
            last = {"memory_format": torch.channels_last}
            yield f"{name}, channels_last", 1, timer(make_anew.eval().to(**last), x.to(**last), options.threads)


def play(entries, process, options):
    """Times by name: everyone takes a turn each round."""
    taken = {name: [] for name, _, _ in entries}
    kept = 0
    for _ in range(options.rounds):
        start, before = time.perf_counter(), seconds_of_others(process) if options.others else 0
        # The first run of a turn finds another's data in the caches.
        times = {name: (run(1), run(runs))[1] for name, runs, run in entries}
        if options.others:
            share = (seconds_of_others(process) - before) / (time.perf_counter() - start) / os.cpu_count()
            if share > options.others:
                continue
        kept += 1
        for name in taken:
            taken[name] += times[name]
    print(f"{kept} of {options.rounds} rounds count")
    return taken if kept else sys.exit("no round was quiet enough: stop other programs, or raise --others")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="the folder with the checkouts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--others", type=float, default=0.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    print(f"torch {torch.__version__}, {options.threads} threads, {options.side}x{options.side}, "
          f"{options.rounds} rounds")
    process, run = ours(options.side, options.threads)
    taken = play([("autochrome", 5, run), *peers(options)], process, options)
    median, least = ({name: of(times) for name, times in taken.items()} for of in (statistics.median, min))
    mine = next(iter(taken))
    print(f"{'':30} median, ms  least, ms   times ours: median  least")
    for name in taken:
        print(f"{name:30} {median[name]:10.1f} {least[name]:10.1f} {median[name] / median[mine]:20.1f} "
              f"{least[name] / least[mine]:6.1f}")


main()
