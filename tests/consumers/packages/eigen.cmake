# An Eigen that is too old is named as such, and a project's own target Eigen3::Eigen is taken; both by add_subdirectory and by
# find_package. Takes `source`, `compiler`, `eigen`, the folder of Eigen's headers, `generator`, `installed`, an installed tree,
# and `work`.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

make_empty("${work}")
file(WRITE "${work}/old/Eigen3Config.cmake" "add_library(Eigen3::Eigen INTERFACE IMPORTED)\n")
file(WRITE "${work}/old/Eigen3ConfigVersion.cmake" "set(PACKAGE_VERSION 3.3.9)\n")

# Configures a project with the lines; sets `text` and `result`.
function(configure name)
    list(JOIN ARGN "\n" lines)
    file(WRITE "${work}/${name}/CMakeLists.txt"
        "cmake_minimum_required(VERSION 3.25)\nproject(consumer LANGUAGES CXX)\n${lines}\n")
    execute_process(
        COMMAND "${CMAKE_COMMAND}" -S "${work}/${name}" -B "${work}/${name}/build" -G "${generator}"
            "-DCMAKE_CXX_COMPILER=${compiler}" "-DEigen3_DIR=${work}/old" "-Dddpm_ROOT=${installed}"
            -DCMAKE_BUILD_TYPE=Release
        OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE result)
    string(REGEX REPLACE "[ \n]+" " " text "${text}")  # CMake breaks the lines
    set(text "${text}" PARENT_SCOPE)
    set(result "${result}" PARENT_SCOPE)
endfunction()

foreach(way IN ITEMS "add_subdirectory(\"${source}\" ddpm)" "find_package(ddpm REQUIRED)")
    string(REGEX MATCH "^[a-z_]+" name "${way}")
    configure(${name}_old "${way}")
    if(result STREQUAL "0" OR NOT text MATCHES "ddpm needs Eigen 3\\.4 or newer, found 3\\.3\\.9")
        message(SEND_ERROR "${way} with Eigen 3.3.9 ended with ${result}:\n${text}")
    endif()
    configure(${name}_own
        "add_library(own_eigen INTERFACE)"
        "target_include_directories(own_eigen SYSTEM INTERFACE \"${eigen}\")"
        "add_library(Eigen3::Eigen ALIAS own_eigen)"
        "${way}"
        "add_executable(consumer \"${source}/tests/consumers/small.cpp\")"
        "target_link_libraries(consumer PRIVATE ddpm::ddpm)")
    if(NOT result STREQUAL "0")
        message(SEND_ERROR "${way} with an Eigen3::Eigen of the project's own ended with ${result}:\n${text}")
    else()
        run("the build" "${CMAKE_COMMAND}" --build "${work}/${name}_own/build")
        run("the program" "${work}/${name}_own/build/consumer")
    endif()
endforeach()
