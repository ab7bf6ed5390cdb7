#!/bin/sh
# Line and branch coverage of include/ by the tests of every room and the committed inputs of the fuzz targets. Needs clang++
# and llvm-cov of one version (Debian: clang-14, libclang-rt-14-dev, llvm-14).
#
#     sh tests/coverage.sh [--report]
#
# --report: builds and runs nothing; reports the last run again, say after a change of tests/coverage/excluded.tsv
#
# Prints the coverage of each room, and writes the lines and branches that no test reaches to out/coverage/uncovered.txt.
# Then prints that of the parsers by the inputs of the fuzz targets alone: parsers.txt beside it.
# Ends with 1 if a test fails, below 95 % of the lines of all or of the parsers, or below 85 % of the branches of all. Left out,
# and counted as left out, is what tests/coverage/excluded.tsv lists, with a reason for each.
set -eu

minimum_lines=95
minimum_branches=85

report_only=
for argument in "$@"; do
    case $argument in
        --report) report_only=yes ;;
        *)
            sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
            exit 2
            ;;
    esac
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

# Clang counts regions of the source before it optimizes: inlined functions and templates are counted exactly, and calls
# that may throw are no branches. What takes long to run, the kernels, layers and metrics, is optimized as in tests/run.sh; the
# rest is not, since that compiles in a third of the time.

# Sets CXX to a clang++ that has the tools of its version, version to that, and suffix to the end of the tools' names.
find_clang_with_tools() {
    for name in ${CXX:-clang++ $ddpm_clang_names}; do
        version=$(ddpm_compiler_version "$name" 2>/dev/null)
        case $version in
            "clang "*) version=${version#clang } ;;
            *) continue ;;
        esac
        for suffix in "-$version" ''; do
            if ddpm_has "llvm-cov$suffix" && ddpm_has "llvm-profdata$suffix" &&
                "llvm-cov$suffix" --version | grep -q "version $version\."; then
                CXX=$name
                export CXX
                return 0
            fi
        done
    done
    return 1
}
if ! find_clang_with_tools; then
    ! ddpm_may_install || ddpm_as_root apt-get update
    install_if_offered clang++-14 clang-14
    install_if_offered llvm-cov-14 llvm-14
    find_clang_with_tools || ddpm_fail "No clang++ with llvm-cov and llvm-profdata of its version found." \
        "Install them (Debian: clang-14, libclang-rt-14-dev, llvm-14)."
fi
install_packages catch2 json png
install_clang_runtime

rooms="core kernels random schedule grid process predictor loss sampler likelihood nn train metrics io diffusers examples"
folder="$root/build/coverage"
ddpm_targets="coverage_report fuzz_replay"
pattern=fuzz_corpus
for room in $rooms; do
    ddpm_targets="$ddpm_targets test_$room"
    pattern="$pattern|$room"
done
failed=
if [ -z "$report_only" ]; then
    build "$root" "$folder" -DDDPM_BUILD_TESTS=ON -DDDPM_BUILD_BENCH=OFF -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=OFF \
        -DCMAKE_BUILD_TYPE=Coverage "-DCMAKE_CXX_FLAGS_COVERAGE=-O0 -fprofile-instr-generate -fcoverage-mapping"
    rm -rf "$folder/profiles"
    # %m: the runs of one program, and of its child processes, are added up in one file.
    (cd "$folder" && LLVM_PROFILE_FILE="$folder/profiles/%m.profraw" ctest --output-on-failure \
        --parallel "$(ddpm_jobs)" --tests-regex "^($pattern)\$") || failed=yes
    "llvm-profdata$suffix" merge -sparse -o "$folder/profile" "$folder/profiles"/*.profraw
    # The test fuzz_corpus has unpacked the inputs.
    LLVM_PROFILE_FILE="$folder/parsers.profraw" "$folder/tests/fuzz_replay" "$folder/tests/fuzz_corpus" >"$folder/parsers.log"
    "llvm-profdata$suffix" merge -sparse -o "$folder/parsers" "$folder/parsers.profraw"
fi

# report PROFILE NAME EXCLUDED MINIMUM_BRANCHES PROGRAM [argument of llvm-cov...]
report() {
    profile=$1
    name=$2
    excluded=$3
    branches=$4
    shift 4
    "llvm-cov$suffix" export -skip-functions -skip-expansions -instr-profile "$profile" "$@" >"$folder/$name.json"
    # The program is instrumented too.
    LLVM_PROFILE_FILE=/dev/null "$folder/tests/coverage_report" "$folder/$name.json" "$root/include" "$excluded" \
        "$root/out/coverage/$name.txt" "$minimum_lines" "$branches" || failed=yes
}

mkdir -p "$root/out/coverage"
set -- "$folder/tests/fuzz_replay"
for room in $rooms; do
    set -- "$@" -object "$folder/tests/test_$room"
done
report "$folder/profile" uncovered "$root/tests/coverage/excluded.tsv" "$minimum_branches" "$@" "$root/include"

parsers="core/detail/json_reader core/detail/json core/detail/text_cursor core/detail/decimal core/detail/utf8 io/detail/npy_header
    io/detail/npy_values io/detail/foreign_content io/safetensors_header io/idx diffusers/detail/config_reader
    diffusers/unet_config"
set -- "$folder/tests/fuzz_replay"
for parser in $parsers; do
    set -- "$@" "$root/include/ddpm/$parser.hpp"
done
echo "Parsers, by the inputs of the fuzz targets alone:"
report "$folder/parsers" parsers /dev/null 0 "$@"
[ -z "$failed" ]
