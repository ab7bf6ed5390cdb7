#!/bin/sh
# Builds and runs the benchmarks. Arguments go to the program: sh bench/run.sh --benchmark_filter=random
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

install_packages benchmark
folder=$(build_folder "$root/build/bench")
build "$root" "$folder" \
    -DDDPM_BUILD_BENCH=ON -DDDPM_BUILD_TESTS=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF
exec "$folder/bench/ddpm_bench" "$@"
