# A project that uses ddpm without a build type is told so, once, and none that has one or optimizes by its flags.
# Takes `source`, `folder` for builds, `generator`, `compiler`, `eigen`, and `installed`, where ddpm is installed, or "".
cmake_minimum_required(VERSION 3.25)

function(configure consumer times)
    execute_process(
        COMMAND "${CMAKE_COMMAND}" -E env --unset=CMAKE_BUILD_TYPE --unset=CXXFLAGS
            "${CMAKE_COMMAND}" --fresh -S "${source}/tests/consumers/${consumer}" -B "${folder}/${consumer}" -G "${generator}"
            "-DCMAKE_CXX_COMPILER=${compiler}" "-DEigen3_DIR=${eigen}" "-DDDPM_FOLDER=${source}" "-Dddpm_ROOT=${installed}"
            ${ARGN}
        OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE failed)
    string(REGEX MATCHALL "CMAKE_BUILD_TYPE is empty" said "${output}")
    list(LENGTH said count)
    if(failed OR NOT count EQUAL times)
        message(SEND_ERROR "${consumer} ${ARGN}: said ${count} times, expected ${times}:\n${output}")
    endif()
endfunction()

set(consumers add_subdirectory)
if(installed)
    list(APPEND consumers find_package)
endif()
foreach(consumer IN LISTS consumers)
    configure(${consumer} 1)
    configure(${consumer} 0 -DCMAKE_BUILD_TYPE=Debug)
    configure(${consumer} 0 -DCMAKE_CXX_FLAGS=-O2)
endforeach()
