#!/bin/sh
# Trains a diffusion model on the bundled digits and samples from it. Arguments go to the program: sh examples/run.sh --help
#
# EXAMPLE=mnist sh examples/run.sh ...: another program of this folder; README.md lists them
# DDPM_ENGINE_PYTHON=/path/to/python: for openvino and libtorch, an interpreter other than python3 that has these packages
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

example=${EXAMPLE:-digits}
if [ ! -f "$root/examples/$example/main.cpp" ]; then
    echo "run.sh: there is no example $example; there are: $(cd "$root/examples" && echo */main.cpp | sed 's|/main.cpp||g')" >&2
    exit 2
fi
ddpm_targets=$example

# Only the packages that this example includes.
packages=
if grep -q 'support/program.hpp' "$root/examples/$example/main.cpp"; then
    packages=cli11
fi
if grep -q 'support/png_folder.hpp' "$root/examples/$example/main.cpp"; then
    packages="$packages png"
fi
# Unquoted: one word for each package.
install_packages $packages
folder=$(build_folder "$root/build/examples")
build "$root" "$folder" "-DDDPM_EXAMPLES=$example" \
    "-DDDPM_ENGINE_PYTHON=${DDPM_ENGINE_PYTHON:-${DDPM_BENCH_PYTHON:-python3}}" \
    -DDDPM_BUILD_EXAMPLES=ON -DDDPM_BUILD_TESTS=OFF -DDDPM_BUILD_BENCH=OFF -DDDPM_INSTALL=OFF
exec "$folder/examples/$example" "$@"
