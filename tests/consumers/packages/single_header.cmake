# The library as one header, in a folder that holds nothing else: a program draws the same samples with it as with the
# headers. Takes `source`, `compiler`, `eigen`, `work` and `expected`, a file with the output of the other program.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

find_program(sh sh)
if(NOT sh)
    message("SKIPPED: there is no sh")
    return()
endif()
make_empty("${work}")
set(ENV{CXX} "${compiler}")
run("single_header.sh" "${sh}" "${source}/cmake/packaging/single_header.sh" "${work}/one/ddpm.hpp")
message("${output}")
run("the compilation" "${compiler}" -std=c++20 "-I${work}/one" "-I${eigen}" -pthread
    "-DDDPM_HEADER=\"ddpm.hpp\"" "${source}/tests/consumers/packages/samples.cpp" -o "${work}/consumer")
run("the program" "${work}/consumer")
file(WRITE "${work}/output.txt" "${output}")
file(READ "${expected}" others)
if(NOT output STREQUAL others)
    message(FATAL_ERROR "the samples differ: ${work}/output.txt with one header, ${expected} with the headers")
endif()
