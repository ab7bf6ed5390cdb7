#!/bin/sh
# Writes the whole library as one header: sh cmake/packaging/single_header.sh [OUT], by default out/ddpm.hpp.
# It needs a C++ compiler; CXX names one.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
. "$root/cmake/install_packages.sh"

out=${1:-$root/out/ddpm.hpp}
ddpm_find_compiler || ddpm_fail "No C++ compiler found. ddpm needs g++ 12 or newer, or clang++ 14 or newer."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$(dirname -- "$out")"
# Unquoted: CXX may hold a launcher and flags.
$CXX -std=c++20 "$root/cmake/packaging/single_header.cpp" -o "$folder/single_header"
"$folder/single_header" "$root" "$out"
