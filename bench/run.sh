#!/bin/sh
# Builds and runs the benchmarks; writes out/bench.json and, as a table, out/bench.md.
#
#     sh bench/run.sh [--filter=REGEX] [--rounds=N] [--baseline | --compare[=FILE]] [argument of ddpm_bench...]
#
# --baseline: writes the library's medians to bench/baseline/PROCESSOR.json
# --compare: compares with that file, or another; exit code 1 if a row is slower, not comparable, or in one of the two
#     only, 2 if it is of another processor
# --help lists the arguments. All that is measured is measured once in each of N rounds (5), ours and its peers side by
# side, and the table shows medians. The peers are PyTorch and, beside it, diffusers, NumPy, ONNX Runtime and OpenVINO (these
# two take onnx) where python3 can import them.
#
# DDPM_BENCH_PYTHON=/path/to/python: another interpreter; empty: none
# CXX=clang++-14 sh bench/run.sh: with that compiler, in a build folder of its own
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
for argument in "$@"; do
    shift
    case $argument in
        --baseline | --compare) argument=$argument=$root/bench/baseline ;;
    esac
    set -- "$@" "$argument"
done
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

install_packages benchmark
folder=$(build_folder "$root/build/bench")
# As a user's plain build: no -march, and -O2 rather than CMake's -O3.
build "$root" "$folder" "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG" \
    -DDDPM_BUILD_BENCH=ON -DDDPM_BUILD_TESTS=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF

python=${DDPM_BENCH_PYTHON-python3}
if [ -n "${DDPM_BENCH_PYTHON:-}" ] && ! "$python" -c ''; then
    ddpm_fail "DDPM_BENCH_PYTHON=$python does not run."
elif [ -n "$python" ] && "$python" -c 'import torch' 2>/dev/null; then
    set -- "--peer-program='$python' '$root/bench/peers.py'" "$@"
elif [ -n "$python" ]; then
    echo "No torch beside: $python cannot import it. DDPM_BENCH_PYTHON names another interpreter."
fi
commit=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
mkdir -p "$root/out"
exec "$folder/bench/ddpm_bench" --rounds=5 "--context=commit=$commit" \
    "--out=$root/out/bench.json" "--markdown=$root/out/bench.md" "$@"
