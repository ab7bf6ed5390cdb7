#!/bin/sh
# Runs clang-tidy 19 with .clang-tidy on all headers of the library and of ddpm::bench, and fails if it finds anything.
#
#     sh tests/tidy.sh [HEADER...]
#
# The headers of one folder are checked together, as one program that includes them all. Templates are checked as far as their
# text tells, and as they are instantiated in tests/project/concepts.cpp and in strict_build.cpp beside it.
# Findings of another version than 19 are printed, but only those of 19 make it fail. Without clang-tidy it is skipped, with exit
# status 77.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/cmake/build.sh"
. "$root/cmake/install_packages.sh"

gate=19
install_packages catch2 json benchmark
install_if_offered "clang-tidy-$gate"
tidy=
for name in "clang-tidy-$gate" clang-tidy clang-tidy-16 clang-tidy-14; do
    if ddpm_has "$name"; then
        tidy=$name
        break
    fi
done
if [ -z "$tidy" ]; then
    echo "SKIPPED: no clang-tidy"
    exit 77
fi
eigen=
for folder in /usr/include/eigen3 /usr/local/include/eigen3 /opt/homebrew/include/eigen3; do
    [ -n "$eigen" ] || [ ! -d "$folder" ] || eigen=$folder
done
[ -n "$eigen" ] || ddpm_fail "Eigen's headers not found."

work="$root/build/tidy"
rm -rf "$work"
mkdir -p "$work"
if [ $# -eq 0 ]; then
    headers=$(cd "$root" && find include bench/include -name '*.hpp' | sed 's|.*include/||' | sort)
    cp "$root/tests/project/concepts.cpp" "$root/tests/project/strict_build.cpp" "$work"
else
    headers=$(for header in "$@"; do echo "${header##*include/}"; done)
fi
# A fragment is included by a header that defines macros for it.
for header in $headers; do
    case $header in
        *.inl.hpp | */foreach_target.hpp) ;;
        *) echo "#include <$header>" >>"$work/$(dirname "$header" | tr / _).cpp" ;;
    esac
done
count=$(echo "$headers" | wc -l)

# One line for each finding; what headers of other folders have is found in several programs.
cd "$work"
export tidy root eigen
ls -S ./*.cpp | xargs -P "$(ddpm_jobs)" -I '{}' sh -c '
    "$tidy" --quiet --config-file="$root/.clang-tidy" --header-filter="^$root/(bench/)?include/ddpm/" "{}" -- \
        -std=c++20 -I "$root/include" -I "$root/bench/include" -I "$root/tests" -isystem "$eigen" \
        >"{}.log" 2>"{}.errors" || echo "{}" >>failed'
grep -hE "^$root/(bench/)?include/[^ ]+: (warning|error): |: error: " ./*.log | sort -u >findings || true
findings=$(wc -l <findings)
sed "s|^$root/||" findings
version=$("$tidy" --version | sed -n 's/.*version \([0-9]*\).*/\1/p' | head -n 1)
echo "$count headers, $findings findings by clang-tidy $version"
if [ -f failed ]; then
    cat ./*.errors
    ddpm_fail "clang-tidy failed on: $(tr '\n' ' ' <failed)"
fi
if [ "$version" != "$gate" ]; then
    echo "SKIPPED: no clang-tidy $gate, whose findings count"
    exit 77
fi
[ "$findings" -eq 0 ]
