# The headers alone, copied to another place: -I, -pthread and Eigen are all that a program needs. Leaves the program's
# output in `work`/output.txt. Takes `source`, `compiler`, `eigen` and `work`.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

make_empty("${work}")
file(COPY "${source}/include" DESTINATION "${work}/third_party")
run("the compilation" "${compiler}" -std=c++20 -O2 "-I${work}/third_party/include" "-I${eigen}" -pthread
    "-DDDPM_HEADER=<ddpm/ddpm.hpp>" "${source}/tests/consumers/packages/samples.cpp" -o "${work}/consumer")
run("the program" "${work}/consumer")
file(WRITE "${work}/output.txt" "${output}")
