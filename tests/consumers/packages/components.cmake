# Components of the package that there are not: find_package says which there are. Takes `compiler`, `eigen`, `generator`,
# `installed`, an installed tree, and `work`.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

# expect_no_component(component tree reason)
function(expect_no_component component tree reason)
    file(WRITE "${work}/project/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(ddpm CONFIG REQUIRED COMPONENTS compiled ${component})
")
    execute_process(
        COMMAND "${CMAKE_COMMAND}" --fresh -S "${work}/project" -B "${work}/build" -G "${generator}"
            "-DCMAKE_CXX_COMPILER=${compiler}" "-DEigen3_DIR=${eigen}" -DCMAKE_BUILD_TYPE=Release "-Dddpm_ROOT=${tree}"
        OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE result)
    string(REGEX REPLACE "[ \n]+" " " text "${text}")  # CMake breaks the lines
    string(FIND "${text}" "Reason given by package: ${reason}" at)
    if(result STREQUAL "0" OR at EQUAL -1)
        message(SEND_ERROR "find_package(ddpm COMPONENTS ${component}) ended with ${result}, without \"${reason}\":\n${text}")
    endif()
endfunction()

make_empty("${work}")
expect_no_component(compield "${installed}" "ddpm has no component compield; it has the components compiled and bench")

file(COPY "${installed}/" DESTINATION "${work}/without_bench" PATTERN "ddpm-bench-targets.cmake" EXCLUDE)
expect_no_component(bench "${work}/without_bench"
    "ddpm was installed without its component bench, which DDPM_BUILD_BENCH=ON adds")
