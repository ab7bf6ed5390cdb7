#!/bin/sh
# Builds the reference from the docstrings: out/docs/index.html. It can be read without a network.
#
#     sh cmake/docs/build.sh [--out=FOLDER] [--tool=PROGRAM]
#
# --out=FOLDER: there instead of in out/docs
# --tool=PROGRAM: the program of this folder, where it is already compiled
# DDPM_MATHJAX=FOLDER: where MathJax 2.7 is, if not where Debian's libjs-mathjax has it
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
out=$root/out/docs
tool=
for argument in "$@"; do
    case $argument in
        --out=*) out=${argument#--out=} ;;
        --tool=*) tool=${argument#--tool=} ;;
        *)
            sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
            exit 2
            ;;
    esac
done

. "$root/cmake/install_packages.sh"
if [ -z "$tool" ]; then
    install_packages doxygen mathjax
fi
ddpm_has doxygen || ddpm_fail "The reference needs doxygen 1.9.4 or newer."
mathjax=${DDPM_MATHJAX:-}
for folder in /usr/share/javascript/mathjax /usr/share/mathjax2 /usr/share/mathjax; do
    if [ -z "$mathjax" ] && [ -f "$folder/MathJax.js" ]; then
        mathjax=$folder
    fi
done
[ -f "$mathjax/MathJax.js" ] || ddpm_fail "MathJax 2.7 not found. Name its folder with DDPM_MATHJAX=..."

work=$root/build/docs
mkdir -p "$work" "$out"
out=$(CDPATH='' cd -- "$out" && pwd -P)
if [ -z "$tool" ]; then
    tool=$work/docs
    newest=$(ls -t "$tool" "$root"/cmake/docs/*.[ch]pp 2>/dev/null | head -n 1)
    if [ "$newest" != "$tool" ]; then
        # Unquoted: CXX may hold a launcher and flags.
        $CXX -std=c++20 -O1 -o "$tool" "$root/cmake/docs/main.cpp"
    fi
fi

pages=$(mktemp -d "${TMPDIR:-/tmp}/ddpm-docs.XXXXXX")
trap 'rm -rf "$pages"' EXIT INT TERM
"$tool" check "$root"
"$tool" pages "$root" "$pages"
# The guide's programs, which the tests compile. Its pictures and its links to files lie outside of the reference.
sed -e '1s/$/ {#guide}/' -e '/^!\[/d' -e 's/\[\([^]]*\)\]([^)]*)/\1/g' "$root/examples/guide.md" >"$pages/guide.md"
version=$(awk '$2 ~ /^DDPM_VERSION_(MAJOR|MINOR|PATCH)$/ { text = text (text == "" ? "" : ".") $3 } END { print text }' \
    "$root/include/ddpm/version.hpp")
[ -n "$version" ] || ddpm_fail "No version in include/ddpm/version.hpp."
sed -e "s|@ROOT@|$root|g" -e "s|@OUT@|$out|g" -e "s|@PAGES@|$pages|g" -e "s|@TOOL@|$tool|g" -e "s|@VERSION@|$version|g" \
    "$root/cmake/docs/Doxyfile.in" >"$pages/Doxyfile"
doxygen -l "$pages/layout.xml" >/dev/null
sed -e '/type="modules"/s/title=""/title="Rooms"/' "$pages/layout.xml" >"$pages/rooms.xml"
mv "$pages/rooms.xml" "$pages/layout.xml"
if [ "$out" = "$root/out/docs" ]; then
    rm -rf "$out"  # pages of what is gone
    mkdir -p "$out"
fi
# Doxygen takes a file in the working folder for an included header of the same name, such as <concepts>.
(cd "$pages" && doxygen "$pages/Doxyfile")

# What TeX input and SVG output load.
for part in MathJax.js extensions jax/element jax/input/TeX jax/output/SVG/jax.js jax/output/SVG/config.js \
    jax/output/SVG/autoload jax/output/SVG/fonts/TeX; do
    mkdir -p "$out/mathjax/$(dirname "$part")"
    cp -RL "$mathjax/$part" "$out/mathjax/$part"
done
echo "$(find "$out" -name '*.html' | wc -l) pages: $out/index.html"
