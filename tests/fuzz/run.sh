#!/bin/sh
# Runs the libFuzzer programs, with the address and undefined-behaviour sanitizers. Needs clang++.
#
#     sh tests/fuzz/run.sh [--seconds=60] [--keep] [TARGET...]
#
# --seconds: of each target, by the clock
# --keep: adds what reaches new code to the committed inputs, and the executions and the processor's seconds to
#     executions.tsv, and prints how many there are in all
set -eu

seconds=60
keep=
while [ $# -gt 0 ]; do
    case $1 in
        --seconds=*) seconds=${1#--seconds=} ;;
        --keep) keep=yes ;;
        *) break ;;
    esac
    shift
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

ddpm_find_clang || ddpm_fail "No clang++ found: install clang 14 or newer and its runtime (Debian: clang-14, libclang-rt-14-dev)."
install_packages catch2 json png
install_clang_runtime
here="$root/tests/fuzz"
if [ $# -eq 0 ]; then
    set -- $(cd "$here/corpus" && echo *.tgz | sed 's/\.tgz//g')
fi
ddpm_targets=
for target in "$@"; do
    ddpm_targets="$ddpm_targets fuzz_$target"
done
folder="$root/build/fuzz"
build "$root" "$folder" -DDDPM_BUILD_TESTS=ON -DDDPM_BUILD_BENCH=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF \
    -DDDPM_SANITIZE=address,undefined,float-cast-overflow,float-divide-by-zero -DDDPM_FUZZ=ON

# Sanitizers that keep freed memory for a shorter while and record shorter stacks leave time for more executions.
export ASAN_OPTIONS="quarantine_size_mb=8:malloc_context_size=4${ASAN_OPTIONS:+:$ASAN_OPTIONS}"

work="$folder/work"
mkdir -p "$work"

# The seconds of the processor that the programs started by this process had taken when `times` last wrote to the file. With
# other work on the machine they are fewer than the clock's.
processor_seconds() {
    awk 'END { split($0, part, /[ms ]+/); print int(60 * part[1] + part[2] + 60 * part[3] + part[4]) }' "$1"
}

# Runs one target, in a process of its own.
fuzz() {
    target=$1
    rm -rf "${work:?}/$target" "$work/$target.new"
    tar -xzf "$here/corpus/$target.tgz" -C "$work"
    mkdir -p "$work/$target.new"
    program="$folder/tests/fuzz_$target"
    log="$work/$target.log"
    times >"$work/$target.times"
    before=$(processor_seconds "$work/$target.times")
    if ! "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="$work/$target-" "$work/$target.new" "$work/$target" >"$log" 2>&1; then
        tail -40 "$log"
        ddpm_fail "fuzz_$target: a finding; the input lies in $work"
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    times >"$work/$target.times"
    taken=$(($(processor_seconds "$work/$target.times") - before))
    echo "$target: $runs executions in $taken s of the processor, no finding"
    [ -n "$keep" ] || return 0
    merged="$work/$target.merged"
    rm -rf "$merged"
    mkdir -p "$merged/$target"
    "$program" -set_cover_merge=1 -use_counters=0 -rss_limit_mb=3000 "$merged/$target" "$work/$target" "$work/$target.new" >>"$log" 2>&1
    # A merge that a signal ends writes nothing and succeeds.
    [ -n "$(ls "$merged/$target")" ] || ddpm_fail "fuzz_$target: the merge kept no input; see $log"
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -czf "$here/corpus/$target.tgz" -C "$merged" "$target"
    printf '%s\t%s\t%s\t%s\n' "$target" "$runs" "$taken" "$(date -u +%Y-%m-%d)" >>"$here/executions.tsv"
}

# As many targets at a time as there are cores; all take the same time.
failed=
wait_for_targets() {
    for process in $running; do
        wait "$process" || failed=yes
    done
    running=
}
running=
jobs=$(ddpm_jobs)
for target in "$@"; do
    fuzz "$target" &
    running="$running $!"
    [ "$(echo $running | wc -w)" -lt "$jobs" ] || wait_for_targets
done
wait_for_targets
if [ -n "$keep" ]; then
    awk -F '\t' 'NR > 1 { runs[$1] += $2; seconds[$1] += $3 }
        END { for (target in runs) printf "%s: %d executions in %d s in all\n", target, runs[target], seconds[target] }' \
        "$here/executions.tsv" | sort
fi
[ -z "$failed" ]
