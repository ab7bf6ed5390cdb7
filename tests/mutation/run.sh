#!/bin/sh
# Mutation testing: changes one operator, constant, condition or statement of a header at a time, and looks whether a test fails.
#
#     sh tests/mutation/run.sh [--seed=1] [--count=150] [--from=1] [--jobs=N] [--all] [--list] [FILE...]
#
# FILE: headers of include/ddpm; without any, those of schedule, process, sampler and loss, and of the optimizer
# --count: so many mutants of all, by chance, the same for a seed; --all: every one
# --from: leaves out the mutants before this one, say after an interruption
# --list: prints the mutants and tests none
#
# Prints each mutant and what became of it, then how many were killed, and those that survived. survivors.tsv in this folder
# lists mutants that no test can or need kill, with the reason: they are not tested, and are counted apart. tests.tsv lists
# tests of headers beside those with the header's path. Ends with 1 below 95 % killed of those that compile and are not listed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

# Clang takes half the time of GCC to compile without optimization.
ddpm_find_clang || true
install_packages catch2 json png
folder="$root/build/mutation"
ddpm_targets=mutate
build "$root" "$folder" -DDDPM_BUILD_TESTS=ON -DDDPM_BUILD_BENCH=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF
exec "$folder/tests/mutate" "$@"
