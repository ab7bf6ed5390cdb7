# tests/ mirrors include/ddpm: the test of ROOM/x.hpp is tests/ROOM/x.cpp, which includes it. Every public header has one; those
# without a room are tested beside core's, and headers that only include others need none. Every test in a folder detail is of
# a header in that folder. Tests of several headers lie beside them.
# Takes `source`, the project's folder.
cmake_minimum_required(VERSION 3.25)

# What a header has beside comments, includes of other headers and instances of what those declare.
function(read_code file result)
    file(READ "${file}" text)
    string(REGEX REPLACE "[][;]" "" text "${text}")  # they would part a list wrongly
    string(REPLACE "\\\n" "" text "${text}")
    string(REGEX MATCHALL "[^\n]+" lines "${text}")
    list(FILTER lines EXCLUDE REGEX "^(//|#pragma once|#include |#endif|(}  // )?namespace ddpm)|INSTANCE")
    set(${result} "${lines}" PARENT_SCOPE)
endfunction()

# The test `test` of tests/ has test cases and includes `header` of include/ddpm.
function(check_test test header)
    if(NOT EXISTS "${source}/tests/${test}")
        message(SEND_ERROR "ddpm/${header} has no test tests/${test}")
        return()
    endif()
    file(STRINGS "${source}/tests/${test}" cases REGEX "^(TEMPLATE_)?TEST_CASE")
    file(STRINGS "${source}/tests/${test}" includes REGEX "^#include <ddpm/${header}>")
    if(NOT cases OR NOT includes)
        message(SEND_ERROR "tests/${test} does not include ddpm/${header}, or has no test case")
    endif()
endfunction()

file(GLOB_RECURSE headers RELATIVE "${source}/include/ddpm" "${source}/include/ddpm/*.hpp")
list(FILTER headers EXCLUDE REGEX "/detail/|\\.inl\\.hpp$")
set(count 0)
foreach(header IN LISTS headers)
    read_code("${source}/include/ddpm/${header}" code)
    if(NOT code)
        continue()
    endif()
    string(REGEX REPLACE "\\.hpp$" ".cpp" test "${header}")
    if(NOT header MATCHES "/")
        set(test "core/${test}")
    endif()
    check_test("${test}" "${header}")
    math(EXPR count "${count} + 1")
endforeach()
if(count LESS 150)
    message(FATAL_ERROR "only ${count} public headers were found")
endif()

file(GLOB_RECURSE tests RELATIVE "${source}/tests" "${source}/tests/*/detail/*.cpp")
foreach(test IN LISTS tests)
    string(REGEX REPLACE "\\.cpp$" ".hpp" header "${test}")
    if(NOT EXISTS "${source}/include/ddpm/${header}")
        message(SEND_ERROR "tests/${test} is the test of no header: include/ddpm/${header} does not exist")
        continue()
    endif()
    check_test("${test}" "${header}")
    math(EXPR count "${count} + 1")
endforeach()
message("${count} headers have the tests that mirror them")
