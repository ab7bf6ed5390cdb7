# Sourced by the run.sh scripts, before install_packages.sh, which sets CXX: configures and builds into a folder under build/.
# POSIX sh.

ddpm_user_compiler=${CXX:-}

ddpm_jobs() {
    jobs=$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
    # A compilation may take 1.5 GB.
    memory=$(awk '$1 == "MemAvailable:" { print int($2 / 1500000) }' /proc/meminfo 2>/dev/null)
    if [ -n "$memory" ] && [ "$memory" -lt "$jobs" ]; then
        jobs=$memory
    fi
    [ "$jobs" -ge 1 ] || jobs=1
    echo "$jobs"
}

# build ROOT FOLDER [CMake option...]: a second call compiles only what changed. Where ddpm_targets is set, only those are built.
build() {
    root=$1
    folder=$2
    shift 2
    cache="$folder/CMakeCache.txt"
    if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
        rm -rf "$folder"  # made for a checkout in another place
    fi
    if [ ! -f "$cache" ] && [ -z "${CMAKE_GENERATOR:-}" ]; then
        if command -v ninja >/dev/null 2>&1; then
            set -- -G Ninja "$@"
        else
            set -- -G "Unix Makefiles" "$@"
        fi
    fi
    # Unquoted: one word for each target.
    cmake -S "$root" -B "$folder" -DCMAKE_BUILD_TYPE=Release "$@" &&
        cmake --build "$folder" --parallel "$(ddpm_jobs)" ${ddpm_targets:+--target $ddpm_targets}
}

# The build folder's name: one for each compiler that the user asks for.
build_folder() {
    echo "$1${ddpm_user_compiler:+-$(printf '%s' "${ddpm_user_compiler##*/}" | tr -c 'A-Za-z0-9+.-' '_')}"
}
