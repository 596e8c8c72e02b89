#!/usr/bin/env bash
# Measures the GPU path on a machine with a GPU, in slices of less than nine minutes each:
#
#     benchmarks/on_gpu.sh FOLDER             the first five, those that FOLDER does not hold yet, one by one
#     benchmarks/on_gpu.sh FOLDER SLICE...    some of them
#     CASE=toy benchmarks/on_gpu.sh FOLDER    all of it at toy size, to try it on a machine without a GPU
#
# It needs this repository and Python with torch, transformers and what docs/offline.md brings; Snakemake only for the
# others, which run experiments; pytest for `tests`; in `peers` TextBrewer takes part where it is installed
# (benchmarks/requirements.txt). A slice's result appears in FOLDER when it is whole, so the same command goes on where it
# was stopped, experiments inside their trainings; what a slice says while it runs is in SLICE.log. summary.md holds the
# results of all slices so far.
#
#     tests         what a GPU computes against what a CPU computes: pytest -m gpu
#     step          a step, 12 to 6 layers: one document a row, packed rows, packing rows as it trains; compiled
#     step-eager    the same, not compiled
#     step-12-10    12 to 10 layers, compiled
#     peers         12 to 6 layers with the peers, in smaller batches: they keep every attention map and logit
#     massive       experiments/massive-gpu.yaml in FOLDER/workflow; FOLDER/workflow/data has the folders it reads
#     massive-xnli  then experiments/massive-gpu-xnli.yaml; FOLDER/workflow/data/xnli
#     e5            experiments/e5-gpu.yaml: the distillations of the real encoder, whose wheel is in PIP_FIND_LINKS
set -euo pipefail
cd "$(dirname "$0")/.."

measured=(tests step step-eager step-12-10 peers)
slices=("${measured[@]}" massive massive-xnli e5)
if [ $# -eq 0 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' benchmarks/on_gpu.sh >&2
    exit 2
fi
mkdir -p "$1/.unfinished"
folder=$(cd "$1" && pwd)
shift
if [ $# -eq 0 ]; then set -- "${measured[@]}"; fi

python=${PYTHON:-python}
limit=${LIMIT:-480} # seconds a slice; one more minute to write checkpoints
case=${CASE:-mbert}
if [ "$case" = toy ]; then
    deep=(3 2) shallow=(3 1) batch=4 peers_batch=4 turn=0.05 gpu_jobs=0
else
    deep=(12 6) shallow=(12 10) batch=256 peers_batch=64 turn=5 gpu_jobs=4
fi

# Sets `command` and `experiment` to an experiment of the workflow. Arguments: its overlays, its own last.
workflow() {
    local overlays=("${@/#/experiments/}")
    experiment=$(basename "${!#}" .yaml)
    if [ "$case" = toy ]; then overlays+=("tests/config/over/$experiment.yaml"); fi
    command=("$python" -m snakemake --directory "$folder/workflow" --cores all --resources gpu="$gpu_jobs")
    command+=(--nolock --rerun-incomplete --configfile "${overlays[@]}" -- tables figures)
}

# Sets `command`, which prints the slice's result or, of an experiment, leaves it in tables.
command_of() {
    experiment=
    local step=("$python" benchmarks/step.py "$case" --turn-seconds "$turn" --output "$folder/.unfinished/$1.md")
    case $1 in
    tests) command=("$python" -m pytest -m gpu -rs tests/unit/training/test_gpu.py tests/unit/runtime/test_devices.py) ;;
    step) command=("${step[@]}" --layers "${deep[@]}" --batch "$batch") ;;
    step-eager) command=(env TORCHDYNAMO_DISABLE=1 "${step[@]}" --layers "${deep[@]}" --batch "$batch") ;;
    step-12-10) command=("${step[@]}" --layers "${shallow[@]}" --batch "$batch") ;;
    peers) command=("${step[@]}" --layers "${deep[@]}" --batch "$peers_batch" --peers) ;;
    massive) workflow tasks/massive.yaml massive.yaml massive-gpu.yaml ;;
    massive-xnli) workflow tasks/xnli.yaml massive-xnli.yaml massive-gpu-xnli.yaml ;;
    e5) workflow tasks/massive.yaml e5.yaml retrieval-only.yaml e5-gpu.yaml ;;
    *)
        echo "there is no slice $1, only ${slices[*]}" >&2
        exit 2
        ;;
    esac
}

failed=0
for slice in "$@"; do
    command_of "$slice"
    if [ -e "$folder/$slice.md" ]; then continue; fi
    if [ "$case" != toy ] && ! "$python" -c "import sys, torch; sys.exit(not torch.cuda.is_available())"; then
        echo "PyTorch finds no GPU here; nothing is measured (CASE=toy tries the slices without one)" >&2
        exit 1
    fi
    echo "$(date +%T) $slice" >&2
    if timeout --signal=INT --kill-after=55 "$limit" "${command[@]}" >"$folder/.unfinished/$slice.txt" 2>"$folder/$slice.log"; then
        if [ -n "$experiment" ]; then
            {
                echo "# $experiment"
                for table in summary accuracy_by_language conclusion cost; do
                    page=$folder/workflow/results/$experiment/tables/$table.md
                    if [ -e "$page" ]; then echo; cat "$page"; fi
                done
            } >"$folder/.unfinished/$slice.md"
        elif [ ! -e "$folder/.unfinished/$slice.md" ]; then # not a page, but lines
            { echo "# $slice"; echo; sed 's/^/    /' "$folder/.unfinished/$slice.txt"; } >"$folder/.unfinished/$slice.md"
        fi
        mv "$folder/.unfinished/$slice.md" "$folder/"
    else
        echo "$slice failed or took longer than $limit s; see $folder/$slice.log" >&2
        tail -n 20 "$folder/.unfinished/$slice.txt" "$folder/$slice.log" >&2
        failed=1
    fi
done
for slice in "${slices[@]}"; do
    if [ -e "$folder/$slice.md" ]; then cat "$folder/$slice.md"; fi
done >"$folder/.unfinished/summary"
mv "$folder/.unfinished/summary" "$folder/summary.md"
exit "$failed"
