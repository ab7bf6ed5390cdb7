#!/bin/sh
# Builds and runs all tests.
#
#     sh tests/run.sh [--sanitize[=thread]] [--layer=NAME]... [--werror] [argument of ctest...]
#
# --sanitize: with the address and undefined-behaviour sanitizers, or with the thread sanitizer, in a build folder of its own
# --layer=core: only the tests of that folder of tests/; several may be given
# --werror: a compiler's warning is an error
# CXX=clang++-14 sh tests/run.sh: with that compiler, in a build folder of its own
# The test package_mingw compiles for Windows and runs by Wine where both are installed, else it is skipped; with
# Debian's packages g++-mingw-w64-x86-64-posix and wine64: sh tests/run.sh -R package_mingw
set -eu

sanitize=
layers=
bench=ON
werror=OFF
while [ $# -gt 0 ]; do
    case $1 in
        --sanitize)
            sanitize=address,undefined
            bench=OFF
            ;;
        --sanitize=thread)
            sanitize=thread
            bench=OFF
            ;;
        --layer=*) layers="$layers ${1#--layer=}" ;;
        --werror) werror=ON ;;
        *) break ;;
    esac
    shift
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

install_packages catch2 json benchmark png cli11
install_if_offered clang-format-16
install_if_offered pkg-config
case $sanitize in
    '') suffix= ;;
    thread) suffix=-sanitize-thread ;;
    *) suffix=-sanitize ;;
esac
folder=$(build_folder "$root/build/tests$suffix")
ddpm_targets=
pattern=
for layer in $layers; do
    ddpm_targets="$ddpm_targets test_$layer"
    pattern="${pattern:+$pattern|}$layer"
done
build "$root" "$folder" \
    -DDDPM_BUILD_TESTS=ON "-DDDPM_BUILD_BENCH=$bench" -DDDPM_BENCH_OPTIMIZED=OFF \
    -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=ON \
    "-DDDPM_SANITIZE=$sanitize" "-DDDPM_WERROR=$werror"
if [ -n "$layers" ]; then
    set -- --tests-regex "^($pattern)(_slow)?\$" "$@"
fi
cd "$folder"
ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 exec ctest --output-on-failure --parallel "$(ddpm_jobs)" "$@"
