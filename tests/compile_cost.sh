#!/bin/sh
# Prints how long a compiler takes for a program that includes ddpm.hpp and calls q_sample, and for Eigen/Dense alone: the
# shortest of three times each, in processor seconds. CXX and CXXFLAGS choose the compiler and its flags.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/q_sample.cpp" <<'END'
#include <ddpm/ddpm.hpp>

ddpm::batch<float> noised(const ddpm::batch<float>& x0, const ddpm::batch<float>& eps) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    return ddpm::q_sample(schedule, x0, 500, eps);
}
END
echo '#include <Eigen/Dense>' >"$folder/eigen.cpp"

eigen=
for candidate in /usr/include/eigen3 /usr/local/include/eigen3 /opt/homebrew/include/eigen3; do
    if [ -d "$candidate" ]; then
        eigen=$candidate
    fi
done

# Prints the processor seconds, of the user and the system, that a compilation takes.
seconds() {
    (
        ${CXX:-c++} -std=c++20 ${CXXFLAGS:--O2} -I "$root/include" ${eigen:+-isystem "$eigen"} -c "$1" -o "$folder/object.o"
        times
    ) | awk 'NR == 2 { split($1 "m" $2, part, /[ms]+/); print 60 * part[1] + part[2] + 60 * part[3] + part[4] }'
}

for program in q_sample eigen; do
    printf '%s: %s s\n' "$program" "$(for run in 1 2 3; do seconds "$folder/$program.cpp"; done | sort -n | head -n 1)"
done
