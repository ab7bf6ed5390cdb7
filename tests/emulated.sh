#!/bin/sh
# Compiles tests for another system, and runs them by an emulator.
#
#     sh tests/emulated.sh aarch64|windows [argument of ctest...]
#
# aarch64: core, kernels, random and io for 64-bit Arm, by qemu; needs Debian's g++-aarch64-linux-gnu and qemu-user
# windows: core, schedule, sampler and io by MinGW and Wine; needs Debian's g++-mingw-w64-x86-64-posix and wine64
# Both need Catch2 2.13, which is one header. Without them it is skipped, with exit status 77.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

install_packages catch2 json
system=${1:-}
case $system in
    aarch64)
        compiler=aarch64-linux-gnu-g++
        emulator=qemu-aarch64
        install_if_offered $compiler g++-aarch64-linux-gnu
        install_if_offered $emulator qemu-user
        ;;
    windows)
        compiler=x86_64-w64-mingw32-g++-posix
        PATH=$PATH:/usr/lib/wine
        emulator=wine64
        install_if_offered $compiler g++-mingw-w64-x86-64-posix
        install_if_offered $emulator wine64
        ;;
    *) ddpm_fail "usage: sh tests/emulated.sh aarch64|windows [argument of ctest...]" ;;
esac
shift
for needed in $compiler $emulator; do
    if ! ddpm_has "$needed"; then
        echo "SKIPPED: no $needed"
        exit 77
    fi
done
if [ ! -f /usr/include/catch2/catch.hpp ]; then
    echo "SKIPPED: no Catch2 2.13 in /usr/include/catch2"
    exit 77
fi

folder="$root/build/tests-$system"
if [ "$system" = windows ]; then
    WINEPREFIX="$folder/wine"
    WINEDEBUG=-all
    export WINEPREFIX WINEDEBUG
    # The assembler's default for the sections of an object file is too few for the tests of many templates.
    flags="-DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64 -DCMAKE_CXX_FLAGS=-Wa,-mbig-obj -DCMAKE_EXE_LINKER_FLAGS=-static"
    emulation=$(command -v $emulator)
else
    flags="-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64"
    emulation="$emulator;-L;/usr/aarch64-linux-gnu"
fi
# Unquoted: one word for each flag.
build "$root" "$folder" -DDDPM_BUILD_TESTS=ON -DDDPM_BUILD_BENCH=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF \
    -DDDPM_WERROR=ON -DCMAKE_CXX_COMPILER=$compiler $flags "-DCMAKE_CROSSCOMPILING_EMULATOR=$emulation"
cd "$folder"
status=0
ctest --no-tests=error --label-exclude '^(slow|root)$' --output-on-failure --parallel "$(ddpm_jobs)" "$@" || status=$?
# Catch2's own counts, one line for each program.
awk -v target="$system" '
    /^All tests passed/ { match($0, /in [0-9]+ test case/); tests += substr($0, RSTART + 3); programs++ }
    /^test cases: / { tests += $3; programs++; for (i = 4; i < NF; i++) if ($(i + 1) == "failed") failed += $i }
    END { printf "%s: %d test cases in %d programs, %d failed\n", target, tests, programs, failed }
' Testing/Temporary/LastTest.log
exit $status
