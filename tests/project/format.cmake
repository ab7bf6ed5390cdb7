# Every file is as clang-format 16 leaves it. Other versions break lines differently, and older ones do not know the style.
cmake_minimum_required(VERSION 3.25)

find_program(clang_format NAMES clang-format-16 clang-format)
set(version "")
if(clang_format)
    execute_process(COMMAND "${clang_format}" --version OUTPUT_VARIABLE version)
endif()
if(NOT version MATCHES "version 16\\.")
    message("SKIPPED: there is no clang-format 16")
    return()
endif()

foreach(folder IN ITEMS include tests bench examples cmake)
    file(GLOB_RECURSE files RELATIVE "${source}" "${source}/${folder}/*.hpp" "${source}/${folder}/*.cpp")
    list(APPEND all ${files})
endforeach()
list(LENGTH all count)
execute_process(
    COMMAND "${clang_format}" --dry-run --Werror ${all}
    WORKING_DIRECTORY "${source}"
    RESULT_VARIABLE failed
    ERROR_VARIABLE differences)
if(NOT failed STREQUAL "0")
    string(REGEX MATCHALL "[^\n]+: error: [^\n]+" places "${differences}")
    list(JOIN places "\n" places)
    message(FATAL_ERROR "${places}\nnot formatted; mend it by: clang-format-16 -i FILE")
endif()
message("${count} files are formatted")
