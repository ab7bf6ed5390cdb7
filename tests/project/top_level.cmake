# The top level holds exactly these, dot-files aside; what git ignores does not count.
cmake_minimum_required(VERSION 3.25)

set(allowed include tests bench examples cmake CMakeLists.txt README.md LICENSE)

execute_process(
    COMMAND git -C "${source}" ls-files --cached --others --exclude-standard
    OUTPUT_VARIABLE files ERROR_QUIET RESULT_VARIABLE failed)
if(failed STREQUAL "0")
    string(REGEX MATCHALL "[^\n]+" entries "${files}")
    list(TRANSFORM entries REPLACE "/.*" "")
    list(REMOVE_DUPLICATES entries)
else()
    file(GLOB entries RELATIVE "${source}" "${source}/*")
    list(FILTER entries EXCLUDE REGEX "^(build.*|cmake-build-.*|out)$")
endif()
list(FILTER entries EXCLUDE REGEX "^\\.")

foreach(entry IN LISTS entries)
    if(NOT entry IN_LIST allowed AND EXISTS "${source}/${entry}")
        message(SEND_ERROR "the top level must not hold ${entry}")
    endif()
endforeach()
foreach(entry IN LISTS allowed)
    if(NOT EXISTS "${source}/${entry}")
        message(SEND_ERROR "the top level lacks ${entry}")
    endif()
endforeach()

# What a newcomer reads first stays short.
file(READ "${source}/README.md" text)
string(REGEX REPLACE "[^\n]" "" newlines "${text}")
string(LENGTH "${newlines}" count)
if(count GREATER 200)
    message(SEND_ERROR "README.md has more than 200 lines")
endif()
