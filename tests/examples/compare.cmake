# cmake -D expected=FILE -D folder=FOLDER -P compare.cmake -- PROGRAM [argument...]: runs the program in a new folder and
# compares what it prints with the file. There <n> stands for any number, and <text> for any text within a line. Lines of
# the progress, and those that begin with "measured:", are not compared.
cmake_minimum_required(VERSION 3.25)

set(command "")
set(found FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
    if(found)
        list(APPEND command "${CMAKE_ARGV${i}}")
    elseif(CMAKE_ARGV${i} STREQUAL "--")
        set(found TRUE)
    endif()
endforeach()

file(REMOVE_RECURSE "${folder}")
file(MAKE_DIRECTORY "${folder}")
execute_process(COMMAND ${command} WORKING_DIRECTORY "${folder}"
    OUTPUT_VARIABLE printed ERROR_VARIABLE errors RESULT_VARIABLE result)
if(NOT result STREQUAL "0")
    message(FATAL_ERROR "The program ended with ${result}.\n${printed}${errors}")
endif()
file(READ "${expected}" pattern)
string(REGEX REPLACE "(^|\n)(measured:|step | *[0-9]+ %)[^\n]*" "" printed "${printed}")
string(REGEX REPLACE "([][+.*()^$?|\\\\])" "\\\\\\1" pattern "${pattern}")
string(REPLACE "<n>" "[-+0-9.e]+" pattern "${pattern}")
string(REPLACE "<text>" "[^\n]*" pattern "${pattern}")
if(NOT printed MATCHES "^\n*${pattern}$")
    message(FATAL_ERROR "Printed:\n${printed}\n\nExpected, from ${expected}, as a regular expression:\n${pattern}")
endif()
