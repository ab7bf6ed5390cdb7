#!/bin/sh
# Compares the plain build with one for this very machine: g++ and clang++, without flags and with -march=native.
#
#     sh bench/compare_builds.sh [--filter=REGEX] [argument of ddpm_bench...]
#
# Prints for each benchmark the time of the plain build and its ratio to the native one in the same round, medians of the
# rounds; the builds take turns, area by area. Writes out/compare_builds.txt.
#
# DDPM_COMPILERS="g++-13 clang++-17": other compilers
# DDPM_ROUNDS=9: more rounds than 5
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"
install_packages benchmark

compilers=${DDPM_COMPILERS:-}
if [ -z "$compilers" ]; then
    for family in g++ clang++; do
        for compiler in $family $family-16 $family-15 $family-14 $family-13 $family-12; do
            if ddpm_has "$compiler" && ddpm_compiler_is_new_enough "$compiler"; then
                compilers="$compilers $compiler"
                break
            fi
        done
    done
fi

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
trap 'exit 1' INT TERM
folder_of() {
    echo "$root/build/compare-$(echo "$1" | tr -c 'A-Za-z0-9+.\n-' '_')-$2"
}
for compiler in $compilers; do
    for flags in plain native; do
        build "$root" "$(folder_of "$compiler" $flags)" "-DCMAKE_CXX_COMPILER=$compiler" \
            "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG" "-DCMAKE_CXX_FLAGS=$([ $flags = plain ] || echo -march=native)" \
            -DDDPM_BUILD_BENCH=ON -DDDPM_BUILD_TESTS=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF
    done
done

set -- --only-ours --benchmark_min_time=0.1 "$@"
any=${compilers# }
any=$(folder_of "${any%% *}" plain)/bench/ddpm_bench
areas=$("$any" --list "$@" | cut -d/ -f1 | uniq)
round=0
while [ "$round" -lt "${DDPM_ROUNDS:-5}" ]; do
    round=$((round + 1))
    for area in $areas; do
        echo "round $round of ${DDPM_ROUNDS:-5}: $area"
        for compiler in $compilers; do
            for flags in plain native; do
                "$(folder_of "$compiler" $flags)/bench/ddpm_bench" "$@" "--filter=^$area/" \
                    "--out=$runs/$round.$area.$compiler.$flags.json" >"$runs/log" 2>&1 || ddpm_fail "$(cat "$runs/log")"
            done
        done
    done
done

# Google Benchmark writes one member a line, the name before the time.
mkdir -p "$root/out"
for compiler in $compilers; do
    for flags in plain native; do
        cat "$runs"/*."$compiler.$flags.json" | awk -v compiler="$compiler" -v flags="$flags" '
            $1 == "\"name\":" { name = $2; gsub(/[",]/, "", name) }
            $1 == "\"real_time\":" && name !~ /_median$/ { sub(/,/, "", $2); print name, compiler, flags, $2 }'
    done
done | awk '
    function median(values,    n, list, i, j, kept) {
        n = split(values, list, " ")
        for (i = 2; i <= n; i++) {
            kept = list[i] + 0
            for (j = i - 1; j > 0 && list[j] + 0 > kept; j--) list[j + 1] = list[j]
            list[j + 1] = kept
        }
        return n % 2 ? list[(n + 1) / 2] + 0 : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    function ratios(above, below,    n, a, b, i, text) {
        n = split(above, a, " ")
        split(below, b, " ")
        for (i = 1; i <= n; i++) text = text " " a[i] / b[i]
        return text
    }
    {
        if (!($1 in seen)) { seen[$1] = 1; names[++name_count] = $1 }
        if (!($2 in met)) { met[$2] = 1; compilers[++compiler_count] = $2 }
        times[$1 " " $2 " " $3] = times[$1 " " $2 " " $3] " " $4
    }
    END {
        printf "%-46s", "benchmark"
        for (c = 1; c <= compiler_count; c++) printf " %14s us  / native", compilers[c]
        printf "\n"
        for (i = 1; i <= name_count; i++) {
            printf "%-46s", names[i]
            for (c = 1; c <= compiler_count; c++) {
                key = names[i] " " compilers[c]
                ratio = median(ratios(times[key " plain"], times[key " native"]))
                printf " %17.4g  %8.3f", median(times[key " plain"]), ratio
                if (ratio > worst[c]) { worst[c] = ratio; where[c] = names[i] }
            }
            printf "\n"
        }
        for (c = 1; c <= compiler_count; c++) printf "worst with %s: %.3f, %s\n", compilers[c], worst[c], where[c]
    }' | tee "$root/out/compare_builds.txt"
