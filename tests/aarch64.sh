#!/bin/sh
# Compiles the tests of core, kernels, random and io for 64-bit Arm, and runs them by an emulator, qemu.
#
#     sh tests/aarch64.sh [argument of ctest...]
#
# It needs Debian's g++-aarch64-linux-gnu and qemu-user, and Catch2 2.13, which is one header. Without them it is skipped, with
# exit status 77.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

install_packages catch2 json
install_if_offered aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
install_if_offered qemu-aarch64 qemu-user
for needed in aarch64-linux-gnu-g++ qemu-aarch64; do
    if ! ddpm_has "$needed"; then
        echo "SKIPPED: no $needed"
        exit 77
    fi
done
if [ ! -f /usr/include/catch2/catch.hpp ]; then
    echo "SKIPPED: no Catch2 2.13 in /usr/include/catch2"
    exit 77
fi

folder="$root/build/tests-aarch64"
build "$root" "$folder" -DDDPM_BUILD_TESTS=ON -DDDPM_BUILD_BENCH=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF \
    -DDDPM_WERROR=ON -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
    "-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;/usr/aarch64-linux-gnu"
cd "$folder"
status=0
ctest --no-tests=error --label-exclude '^(slow|root)$' --output-on-failure --parallel "$(ddpm_jobs)" "$@" || status=$?
# Catch2's own counts, one line for each program.
awk '
    /^All tests passed/ { match($0, /in [0-9]+ test case/); tests += substr($0, RSTART + 3); programs++ }
    /^test cases: / { tests += $3; programs++; for (i = 4; i < NF; i++) if ($(i + 1) == "failed") failed += $i }
    END { printf "aarch64: %d test cases in %d programs, %d failed\n", tests, programs, failed }
' Testing/Temporary/LastTest.log
exit $status
