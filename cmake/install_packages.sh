# Sourced by the run.sh scripts: finds or installs what a build needs. POSIX sh.
#
#     install_packages catch2 json
#
# asks for a compiler, CMake, a build tool and Eigen, and for the libraries named. What is there already is left alone, and
# then neither the network nor root is needed. DDPM_INSTALL_PACKAGES=0 installs nothing: CMake looks for the libraries alone.
# CXX=g++-12 or CXX=clang++-19 asks for that compiler.

# From the newest to the oldest that is supported.
ddpm_gcc_names="g++-16 g++-15 g++-14 g++-13 g++-12"
ddpm_clang_names="clang++-23 clang++-22 clang++-21 clang++-20 clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14"

ddpm_fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

ddpm_has() {
    command -v "$1" >/dev/null 2>&1
}

# Prints "gcc 12" or "clang 14" for a compiler, nothing if it does not work.
ddpm_compiler_version() {
    # Unquoted: CXX may hold a launcher and flags.
    macros=$(printf '' | $1 -dM -E -x c++ - 2>/dev/null) || return 0
    printf '%s\n' "$macros" | awk '
        $2 == "__clang_major__" { clang = $3 }
        $2 == "__GNUC__" { gcc = $3 }
        END { if (clang) print "clang " clang; else if (gcc) print "gcc " gcc }'
}

ddpm_compiler_is_new_enough() {
    case $(ddpm_compiler_version "$1") in
        "gcc "*) minimum=12 ;;
        "clang "*) minimum=14 ;;
        *) return 1 ;;
    esac
    found=$(ddpm_compiler_version "$1")
    [ "${found#* }" -ge "$minimum" ]
}

# Sets CXX to a compiler of the machine's that is new enough. Returns 1 if there is no compiler at all.
ddpm_find_compiler() {
    if [ -n "${CXX:-}" ]; then
        ddpm_compiler_is_new_enough "$CXX" && return 0
        ddpm_fail "CXX=$CXX is $(ddpm_compiler_version "$CXX" | grep . || echo "no working compiler")." \
            "ddpm needs g++ 12 or newer, or clang++ 14 or newer."
    fi
    older=
    for name in c++ g++ clang++ $ddpm_gcc_names $ddpm_clang_names; do
        ddpm_has "$name" || continue
        if ddpm_compiler_is_new_enough "$name"; then
            CXX=$name
            export CXX
            return 0
        fi
        older="$older $name ($(ddpm_compiler_version "$name"))"
    done
    [ -z "$older" ] && return 1
    ddpm_fail "Only older compilers found:$older." \
        "ddpm needs g++ 12 or newer, or clang++ 14 or newer. Install one, say g++-12, or name yours with CXX=..."
}

# Sets CXX, unless the user did, to a clang++ of the machine's, else to the newest that apt-get offers, which
# install_packages then installs. Returns 1 if there is none.
ddpm_find_clang() {
    [ -z "${CXX:-}" ] || return 0
    for name in clang++ $ddpm_clang_names; do
        if ddpm_compiler_is_new_enough "$name"; then
            CXX=$name
            export CXX
            return 0
        fi
    done
    ddpm_may_install || return 1
    ddpm_as_root apt-get update
    for name in $ddpm_clang_names; do
        if apt-cache show "clang-${name#clang++-}" >/dev/null 2>&1; then
            CXX=$name
            export CXX
            return 0
        fi
    done
    return 1
}

ddpm_check_cmake() {
    found="no CMake"
    version=$(cmake --version 2>/dev/null | sed -n 's/^cmake version \([0-9.]*\).*/\1/p')
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    [ -z "$version" ] || found="CMake $version at $(command -v cmake)"
    if [ "${major:-0}" -lt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -lt 25 ]; }; then
        ddpm_fail "Found $found; ddpm needs 3.25 or newer." \
            "Put a newer one first in PATH: from cmake.org/download, or with 'pipx install cmake' or 'snap install cmake'."
    fi
}

# Prints the package manager's name.
ddpm_package_manager() {
    for manager in apt-get dnf pacman brew; do
        if ddpm_has "$manager"; then
            echo "$manager"
            return
        fi
    done
}

# Prints the package that holds $2 for the package manager $1.
ddpm_package_name() {
    case $1:$2 in
        dnf:compiler) echo gcc-c++ ;;
        pacman:compiler) echo gcc ;;
        brew:compiler) echo gcc ;;
        *:compiler) echo g++ ;;
        *:cmake) echo cmake ;;
        apt-get:ninja | dnf:ninja) echo ninja-build ;;
        *:ninja) echo ninja ;;
        apt-get:eigen) echo libeigen3-dev ;;
        dnf:eigen) echo eigen3-devel ;;
        *:eigen) echo eigen ;;
        dnf:catch2) echo catch2-devel ;;
        *:catch2) echo catch2 ;;
        apt-get:json) echo nlohmann-json3-dev ;;
        dnf:json) echo json-devel ;;
        *:json) echo nlohmann-json ;;
        apt-get:benchmark) echo libbenchmark-dev ;;
        dnf:benchmark) echo google-benchmark-devel ;;
        brew:benchmark) echo google-benchmark ;;
        *:benchmark) echo benchmark ;;
        apt-get:png) echo libpng-dev ;;
        dnf:png) echo libpng-devel ;;
        *:png) echo libpng ;;
        apt-get:cli11) echo libcli11-dev ;;
        dnf:cli11) echo cli11-devel ;;
        *:cli11) echo cli11 ;;
        *:doxygen) echo doxygen ;;
        apt-get:mathjax) echo libjs-mathjax ;;
        pacman:mathjax) echo mathjax2 ;;
        *:mathjax) echo mathjax ;;
    esac
}

ddpm_package_is_installed() {
    case $1 in
        apt-get) [ "$(dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null)" = installed ] ;;
        dnf) rpm -q "$2" >/dev/null 2>&1 ;;
        pacman) pacman -Qq "$2" >/dev/null 2>&1 ;;
        brew) brew list --versions "$2" >/dev/null 2>&1 ;;
        *) return 1 ;;
    esac
}

# Runs a command as root.
ddpm_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

ddpm_run_package_manager() {
    manager=$1
    shift
    case $manager in
        apt-get)
            ddpm_as_root apt-get update &&
                ddpm_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
            ;;
        dnf) ddpm_as_root dnf install -y "$@" ;;
        pacman) ddpm_as_root pacman -Sy --needed --noconfirm "$@" ;;
        brew) brew install "$@" ;;
    esac
}

install_packages() {
    manager=$(ddpm_package_manager)
    if [ "${DDPM_INSTALL_PACKAGES:-1}" != 0 ]; then
        # Programs count as there if they are in PATH, whoever installed them; libraries if their package is installed.
        missing=
        case $manager:${CXX:-} in
            apt-get:g++-[0-9]* | apt-get:clang++-[0-9]*)
                ddpm_has "$CXX" || missing="$missing $(echo "$CXX" | sed 's/^clang++/clang/')"
                ;;
        esac
        [ -n "$missing" ] || ddpm_find_compiler || missing="$missing $(ddpm_package_name "$manager" compiler)"
        ddpm_has cmake || missing="$missing $(ddpm_package_name "$manager" cmake)"
        ddpm_has ninja || ddpm_has make || missing="$missing $(ddpm_package_name "$manager" ninja)"
        for library in eigen "$@"; do
            package=$(ddpm_package_name "$manager" "$library")
            ddpm_package_is_installed "$manager" "$package" || missing="$missing $package"
        done
        if [ -n "$missing" ]; then
            advice="Or, if they are there in another way: DDPM_INSTALL_PACKAGES=0 goes on without them."
            if [ -z "$manager" ]; then
                ddpm_fail "No package manager known here (apt-get, dnf, pacman, brew). Please install:$missing" "$advice"
            fi
            if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ] && ! ddpm_has sudo; then
                ddpm_fail "Neither root nor sudo. Please have these packages installed:$missing" "$advice"
            fi
            echo "Installing:$missing"
            # Unquoted: one word for each package.
            ddpm_run_package_manager "$manager" $missing ||
                ddpm_fail "$manager could not install all of:$missing" "$advice"
        fi
    fi
    ddpm_find_compiler || ddpm_fail "No C++ compiler found. ddpm needs g++ 12 or newer, or clang++ 14 or newer."
    ddpm_check_cmake
}

# Whether install_if_offered can install anything.
ddpm_may_install() {
    [ "${DDPM_INSTALL_PACKAGES:-1}" != 0 ] && [ "$(ddpm_package_manager)" = apt-get ] &&
        { [ "$(id -u)" -eq 0 ] || ddpm_has sudo; }
}

# install_if_offered PROGRAM [PACKAGE]: installs a program that some checks use, where apt-get has the package, by default of
# the program's name. Else these checks are skipped. PROGRAM may also be the name of a package without a program.
install_if_offered() {
    package=${2:-$1}
    if ddpm_has "$1" || ! ddpm_may_install || ddpm_package_is_installed apt-get "$package"; then
        return 0
    fi
    if apt-cache show "$package" >/dev/null 2>&1; then
        echo "Installing: $package"
        ddpm_run_package_manager apt-get "$package" || echo "without $package"
    fi
}

# install_python_packages PACKAGE...: installs packages of PyPI that some checks use into a virtual environment, build/python,
# whose programs come last in PATH. Where that cannot be done, these checks are skipped.
install_python_packages() {
    environment=$root/build/python
    if ddpm_may_install; then
        install_if_offered python3-venv
        for package in "$@"; do
            [ -x "$environment/bin/python" ] || python3 -m venv "$environment" || return 0
            "$environment/bin/python" -m pip show --quiet "$package" 2>/dev/null ||
                "$environment/bin/python" -m pip install --quiet "$package" || echo "without $package"
        done
    fi
    PATH=$PATH:$environment/bin
}

# The libraries of clang's sanitizers and of libFuzzer, which Debian has in a package of their own.
install_clang_runtime() {
    found=$(ddpm_compiler_version "$CXX")
    case $found in
        "clang "*) install_if_offered "libclang-rt-${found#* }-dev" ;;
    esac
}
