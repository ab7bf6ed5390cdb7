# Programs for Windows, compiled by MinGW and run by Wine: files, and the same noise and numbers as a program here gives.
# Takes `source`, `eigen`, `work` and `expected`, a file with the output of that program.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

find_program(compiler_for_windows NAMES x86_64-w64-mingw32-g++-posix x86_64-w64-mingw32-g++)
find_program(wine NAMES wine64 wine PATHS /usr/lib/wine)
if(NOT compiler_for_windows OR NOT wine)
    message("SKIPPED: there is no MinGW or no Wine (Debian's packages g++-mingw-w64-x86-64-posix and wine64)")
    return()
endif()

set(ENV{WINEPREFIX} "${work}/wine")  # kept, since Wine takes seconds to make it
set(ENV{WINEDEBUG} -all)
make_empty("${work}/programs")
foreach(program IN ITEMS samples files)
    run("the compilation" "${compiler_for_windows}" -std=c++20 -O1 -static -pthread "-I${source}/include" "-I${eigen}"
        "-DDDPM_HEADER=<ddpm/ddpm.hpp>" "${source}/tests/consumers/packages/${program}.cpp"
        -o "${work}/programs/${program}.exe")
endforeach()
file(COPY_FILE "${expected}" "${work}/programs/expected.txt")
run("the samples" "${CMAKE_COMMAND}" -E chdir "${work}/programs" "${wine}" samples.exe expected.txt)
run("the files" "${CMAKE_COMMAND}" -E chdir "${work}/programs" "${wine}" files.exe)
