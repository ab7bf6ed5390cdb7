#!/bin/sh
# Builds and runs all tests.
#
#     sh tests/run.sh [--sanitize] [--werror] [argument of ctest...]
#
# --sanitize: with the address and undefined-behaviour sanitizers, in a build folder of its own
# --werror: a compiler's warning is an error
# CXX=clang++-14 sh tests/run.sh: with that compiler, in a build folder of its own
set -eu

sanitize=
bench=ON
werror=OFF
while [ $# -gt 0 ]; do
    case $1 in
        --sanitize)
            sanitize=address,undefined
            bench=OFF
            ;;
        --werror) werror=ON ;;
        *) break ;;
    esac
    shift
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

install_packages catch2 json benchmark
folder=$(build_folder "$root/build/tests${sanitize:+-sanitize}")
build "$root" "$folder" \
    -DDDPM_BUILD_TESTS=ON "-DDDPM_BUILD_BENCH=$bench" -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=ON \
    "-DDDPM_SANITIZE=$sanitize" "-DDDPM_WERROR=$werror"
if [ -z "$sanitize" ]; then
    cmake --build "$folder" --parallel "$(ddpm_jobs)" --target all_verify_interface_header_sets
fi
cd "$folder"
ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 exec ctest --output-on-failure --parallel "$(ddpm_jobs)" "$@"
