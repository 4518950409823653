#!/usr/bin/env bash
# Measures this machine, trains, evaluates and exports, from the files of this folder alone: no Rust, no network.
#
# The idea: time on a borrowed machine is short, so one call does everything. A failure is reported, counted in the
# exit status, and does not stop the other steps; all results are in one folder.
set -uo pipefail

usage() {
    cat <<'USAGE'
usage: bash run.sh [OPTIONS]

  --minutes N        trains for N minutes [default: 8]; the other steps take about two more
  --steps N          trains up to step N instead
  --out DIR          folder for the results [default: out, beside run.sh]
  --run DIR          folder of the run with its checkpoint; an existing run is resumed [default: run, beside run.sh]
  --device DEVICE    auto, cpu, cuda or cuda:N [default: auto]
  --precision KIND   auto, float32 or bf16; overrides the configuration
  --threads N        CPU threads; 0: all [default: 0]
  --eval PATH        tar or folder of photographs to measure on [default: eval.tar of the pack, else held-out photographs]
  --seconds N        seconds per benchmark [default: 1]
  --skip STEP        skips bench, train or eval; repeatable
  --check            only checks that the pack is complete
USAGE
}

pack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
trainer=$pack/bin/autochrome-trainer
minutes=8 steps='' out=$pack/out run=$pack/run device=auto precision='' threads=0 eval_on='' seconds=1 skip=' ' check_only=''

fail() {
    echo "run.sh: $*" >&2
    exit 1
}

while (($#)); do
    case $1 in
    --check) check_only=yes && shift && continue ;;
    -h | --help) usage && exit 0 ;;
    --minutes | --steps | --out | --run | --device | --precision | --threads | --eval | --seconds | --skip) ;;
    *) usage >&2 && fail "unknown option $1" ;;
    esac
    (($# > 1)) || fail "$1: expected a value"
    case $1 in
    --minutes) minutes=$2 ;;
    --steps) steps=$2 ;;
    --out) out=$2 ;;
    --run) run=$2 ;;
    --device) device=$2 ;;
    --precision) precision=$2 ;;
    --threads) threads=$2 ;;
    --eval) eval_on=$2 ;;
    --seconds) seconds=$2 ;;
    --skip) skip+="$2 " ;;
    esac
    shift 2
done

# Checks that each file in MANIFEST.sha256 is there and is what was packed.
check_files() {
    local sum name missing=() damaged=()
    [[ -f $pack/MANIFEST.sha256 ]] || fail "MANIFEST.sha256 is missing: send it again"
    while read -r sum name; do
        if [[ ! -f $pack/$name ]]; then
            missing+=("$name")
        elif [[ $(sha256sum <"$pack/$name") != "$sum  -" ]]; then
            damaged+=("$name")
        fi
    done <"$pack/MANIFEST.sha256"
    ((${#missing[@]})) && echo "missing: ${missing[*]}" >&2
    ((${#damaged[@]})) && echo "damaged: ${damaged[*]}" >&2
    ((${#missing[@]} + ${#damaged[@]} == 0)) || fail "the pack is incomplete: send these files again"
}

# The folder of the PyTorch that python3 would import, found without importing it.
python_torch() {
    local find='import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")'
    local python
    for python in python3 python; do
        command -v "$python" >/dev/null && "$python" -c "$find" 2>/dev/null && return
    done
}

# The version stated in a libtorch or PyTorch folder.
torch_stated() {
    if [[ -f $1/build-version ]]; then
        head -n 1 "$1/build-version"
    elif [[ -f $1/version.py ]]; then
        sed -n "s/^__version__ *= *['\"]\([^'\"]*\).*/\1/p" "$1/version.py"
    fi
}

# Sets `libraries`, the LD_LIBRARY_PATH folders of libtorch and of what CUDA needs.
find_torch() {
    local remedy="set LIBTORCH to a libtorch $torch_version folder, or install PyTorch $torch_version (pip install torch==$torch_version.0)"
    local torch=${LIBTORCH:-} stated folder
    [[ -n $torch ]] || torch=$(python_torch)
    [[ -n $torch ]] || fail "PyTorch not found: LIBTORCH is not set, and python3 has no torch; $remedy"
    [[ -d $torch ]] || fail "folder $torch does not exist; $remedy"
    torch=$(cd "$torch" && pwd)
    [[ -f $torch/lib/libtorch_cpu.so ]] || fail "$torch has no lib/libtorch_cpu.so; $remedy"
    stated=$(torch_stated "$torch")
    case $stated in
    "$torch_version" | "$torch_version".*) ;;
    *) fail "$torch is libtorch ${stated:-of unknown version}, expected $torch_version; $remedy" ;;
    esac
    libraries=$torch/lib
    # A CUDA wheel keeps NVIDIA's libraries beside torch; the loader may not know the driver's own folder.
    for folder in "$torch"/../nvidia/*/lib; do
        [[ -d $folder ]] && libraries+=:$(cd "$folder" && pwd)
    done
    [[ -n ${LD_LIBRARY_PATH:-} ]] && libraries+=:$LD_LIBRARY_PATH
    for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib/wsl/lib; do
        [[ -d $folder ]] && libraries+=:$folder
    done
    echo "libtorch $stated: $torch"
    if [[ $device != cpu && ! -f $torch/lib/libtorch_cuda.so ]]; then
        echo "this libtorch has no CUDA: using the CPU"
    fi
}

trainer() {
    LD_LIBRARY_PATH=$libraries "$trainer" "$@"
}

problems=()
problem() {
    problems+=("$*")
    echo "problem: $*"
}

wanted() {
    [[ $skip != *" $1 "* ]]
}

# The configuration, with --precision in place of its own.
configure() {
    config=$pack/config.toml
    [[ -n $precision ]] || return 0
    config=$run/config.toml
    { echo "precision = \"$precision\"" && sed '/^precision *=/d' "$pack/config.toml"; } >"$config" ||
        fail "cannot write $config"
}

train() {
    local bound=(--minutes "$minutes") status
    [[ -n $steps ]] && bound=(--stop-after "$steps")
    [[ -f $run/checkpoint.safetensors ]] && bound+=(--resume) && echo "resuming the run in $run"
    trainer train "$config" --data "$pack/data" --out "$run" --device "$device" --threads "$threads" "${bound[@]}"
    status=$?
    # 130: stopped before the last step, by --steps or a signal, with everything saved.
    case $status in
    0) ;;
    130) [[ -n $steps ]] || problem "training was interrupted; run again to resume it" ;;
    *) problem "training failed with status $status; see its message above" ;;
    esac
}

evaluate() {
    local set arguments=(--json --device "$device")
    ((threads > 0)) && arguments+=(--threads "$threads")
    [[ -z $eval_on && -f $pack/data/eval.tar ]] && eval_on=$pack/data/eval.tar
    if [[ -n $eval_on ]]; then
        arguments+=(--data "$eval_on")
    elif ((held_out > 0)); then
        for set in "${train_sets[@]}"; do arguments+=(--data "$pack/data/$set"); done
        arguments+=(--held-out "$held_out")
    else
        echo "no photographs to evaluate on: the configuration holds none out; name some with --eval"
        return
    fi
    [[ -n $classifier ]] && arguments+=(--classifier "$pack/data/$classifier")
    if trainer eval "$out/package" "${arguments[@]}" >"$out/eval.json.part"; then
        mv "$out/eval.json.part" "$out/eval.json"
        export_package --metrics "$out/eval.json" || problem "could not add the metrics to the package"
    else
        rm -f "$out/eval.json.part"
        problem "could not evaluate the package; see the message above"
    fi
}

export_package() {
    trainer export "$run" "$out/package" --name "$name" "${export_options[@]}" "$@"
}

# Maximum size of the results, in bytes.
most=14000000

measure_out() {
    local total=0 size
    while read -r size; do ((total += size)); done < <(find "$out" -type f -printf '%s\n')
    echo "$out: $total bytes"
    ((total <= most)) || problem "$out has $total bytes, more than the limit of $most"
}

main() {
    echo "=== $(date -u +%Y-%m-%dT%H:%M:%SZ) $(uname -srm), $(nproc) CPUs"
    check_files
    find_torch
    trainer --version || fail "the trainer cannot be started: it needs Linux on x86_64 with glibc $glibc or later, and libstdc++"
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
    fi
    configure
    if wanted bench; then
        echo "=== bench"
        trainer bench "$config" --data "$pack/data" --device "$device" --threads "$threads" --seconds "$seconds" \
            --json "$out/bench.json" || problem "the benchmark found problems; see above and bench.json"
    fi
    if wanted train; then
        echo "=== train"
        train
    fi
    [[ -f $run/checkpoint.safetensors ]] || fail "there is no checkpoint in $run to export"
    echo "=== export"
    export_package || fail "could not export the run; see the message above"
    cp "$run/log.csv" "$run/curves.png" "$out/" || problem "log.csv or curves.png is missing"
    if wanted eval; then
        echo "=== eval"
        evaluate
    fi
    measure_out
    echo "=== $(date -u +%Y-%m-%dT%H:%M:%SZ) done, ${#problems[@]} problems"
    ((${#problems[@]})) && printf 'problem: %s\n' "${problems[@]}"
    ((${#problems[@]} == 0))
}

if [[ -n $check_only ]]; then
    check_files
    echo "the pack is complete"
    exit
fi
[[ -f $pack/settings.sh ]] || fail "settings.sh is missing: send it again"
# name, torch_version, glibc, held_out, train_sets, classifier, export_options
. "$pack/settings.sh"
mkdir -p "$out" "$run" || exit 1
out=$(cd "$out" && pwd) && run=$(cd "$run" && pwd) || exit 1
[[ -x $trainer || ! -f $trainer ]] || chmod +x "$trainer"
# An interrupt is for the trainer, which saves its state; the log continues.
main 2>&1 | tee -i -a "$out/run.log"
exit "${PIPESTATUS[0]}"
