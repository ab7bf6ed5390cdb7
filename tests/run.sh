#!/bin/sh
# Builds all tests, and runs those that are quick and need nothing special.
#
#     sh tests/run.sh [--all] [--room=NAME]... [--sanitize[=thread]] [--standard=23] [--werror] [argument of ctest...]
#
# --all: also the tests labelled slow, root, engine and docs, and all examples; installs what they use: Doxygen, valgrind,
#     MinGW, Wine, and from PyPI, into build/python, Conan and OpenVINO
# --room=core: only the tests of that folder of tests/; several may be given. --room=project: every header alone, every concept;
#     --room=concepts: the latter only; --room=docs: the reference, in the build folder's tests/reference
# --sanitize: with the address and undefined-behaviour sanitizers, or with the thread sanitizer, in a build folder of its own
# --standard=23: as C++23, in a build folder of its own
# --werror: a compiler's warning is an error
# ctest's arguments follow. Where -L or -LE is among them, they alone say which labels are run.
# CXX=clang++-14 sh tests/run.sh: with that compiler, in a build folder of its own
set -eu

all=
long_examples=OFF
sanitize=
standard=
rooms=
bench=ON
werror=OFF
engine_python=
while [ $# -gt 0 ]; do
    case $1 in
        --all) all=yes ;;
        --sanitize)
            # A division of floats by zero is no error here: it gives the infinity of IEEE 754, such as the SNR of no noise.
            sanitize=address,undefined,float-cast-overflow
            bench=OFF
            ;;
        --sanitize=thread)
            sanitize=thread
            bench=OFF
            ;;
        --standard=*) standard=${1#--standard=} ;;
        --room=*) rooms="$rooms ${1#--room=}" ;;
        --werror) werror=ON ;;
        *) break ;;
    esac
    shift
done
for argument in "$@"; do
    case $argument in
        -L | -L?* | --label-regex | --label-regex=* | --label-exclude | --label-exclude=*) all=${all:-labels} ;;
    esac
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

install_packages catch2 json benchmark png cli11
install_if_offered clang-format-16
install_if_offered pkg-config
install_if_offered git
case " $rooms " in
    *" docs "*)
        install_packages doxygen mathjax
        left_out='slow|root|engine'
        ;;
    *) left_out='slow|root|engine|docs' ;;
esac
[ -z "$sanitize" ] || install_clang_runtime
if [ "$all" = yes ]; then
    long_examples=ON
    install_if_offered doxygen
    install_if_offered libjs-mathjax
    install_if_offered valgrind
    install_if_offered x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix
    install_if_offered wine64
    install_python_packages conan openvino
    engine_python=${DDPM_BENCH_PYTHON:-$root/build/python/bin/python}
fi
case $sanitize in
    '') suffix= ;;
    thread) suffix=-sanitize-thread ;;
    *) suffix=-sanitize ;;
esac
folder=$(build_folder "$root/build/tests$suffix${standard:+-c++$standard}")
ddpm_targets=
pattern=
for room in $rooms; do
    case $room in
        project)
            ddpm_targets="$ddpm_targets concepts"
            [ -n "$sanitize" ] || ddpm_targets="$ddpm_targets strict_build headers_alone"
            room="top_level|include_direction|umbrella|mirrored_tests|promises|concepts|docstrings|smallest_types|contributing|example_outputs|format|wrong_signature|system_names|no_exceptions"
            ;;
        concepts)
            ddpm_targets="$ddpm_targets concepts"
            [ -n "$sanitize" ] || ddpm_targets="$ddpm_targets strict_build"
            room="concepts|smallest_types"
            ;;
        docs)
            ddpm_targets="$ddpm_targets docs_tool test_docs"
            room="docs|equation_index|reference"
            ;;
        random)
            ddpm_targets="$ddpm_targets test_random"
            [ -n "$sanitize" ] || ddpm_targets="$ddpm_targets noise_O0 noise_O2 noise_O3"
            room="random|noise_O[023]"
            ;;
        *) ddpm_targets="$ddpm_targets test_$room" ;;
    esac
    pattern="${pattern:+$pattern|}$room"
done
build "$root" "$folder" \
    -DDDPM_BUILD_TESTS=ON "-DDDPM_BUILD_BENCH=$bench" -DDDPM_BENCH_OPTIMIZED=OFF \
    -DDDPM_BUILD_EXAMPLES=OFF -DDDPM_INSTALL=ON \
    "-DDDPM_SANITIZE=$sanitize" "-DDDPM_WERROR=$werror" "-DDDPM_TEST_LONG_EXAMPLES=$long_examples" \
    ${engine_python:+"-DDDPM_ENGINE_PYTHON=$engine_python"} \
    ${standard:+"-DCMAKE_CXX_STANDARD=$standard" -DCMAKE_CXX_STANDARD_REQUIRED=ON}
if [ -n "$rooms" ]; then
    set -- --tests-regex "^($pattern)(_slow|_root)?\$" "$@"
fi
if [ -z "$all" ]; then
    set -- --label-exclude "^($left_out)\$" "$@"
fi
cd "$folder"
ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 exec ctest --no-tests=error --output-on-failure --parallel "$(ddpm_jobs)" "$@"
