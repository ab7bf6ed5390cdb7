# FetchContent of a git repository: a clone of the source tree as it is committed. Takes `source`, `compiler`, `eigen`,
# `generator` and `work`.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

find_program(git git)
if(git)
    execute_process(COMMAND "${git}" -C "${source}" rev-parse HEAD
        OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE no_checkout ERROR_QUIET)
endif()
if(NOT git OR NOT no_checkout STREQUAL "0")
    message("SKIPPED: the source tree is no git checkout")
    return()
endif()
make_empty("${work}")
run("git" "${git}" clone --quiet --bare "file://${source}" "${work}/ddpm.git")
run("the project" "${CMAKE_COMMAND}" -S "${source}/tests/consumers/fetch_content" -B "${work}/build" -G "${generator}"
    -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=${compiler}" "-DEigen3_DIR=${eigen}"
    "-DDDPM_REPOSITORY=file://${work}/ddpm.git" "-DDDPM_TAG=${commit}")
