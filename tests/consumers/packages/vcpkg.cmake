# Runs the port's portfile with functions that do what those of vcpkg do, and builds a project with the package.
# Takes `source`, `compiler`, `eigen`, `generator` and `work`.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

set(port_folder "${source}/cmake/packaging/vcpkg")
set(PORT ddpm)
set(CURRENT_PACKAGES_DIR "${work}/packages/ddpm_x64-linux")
set(common -G "${generator}" "-DCMAKE_CXX_COMPILER=${compiler}" "-DEigen3_DIR=${eigen}")

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
    run("vcpkg_cmake_configure" "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${work}/build" ${common}
        -DCMAKE_BUILD_TYPE=Release "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
    run("vcpkg_cmake_install" "${CMAKE_COMMAND}" --build "${work}/build" --target install)
endfunction()

# Moves the package's files to share/PORT, one folder up, and corrects their paths to the prefix.
function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
    file(GLOB files "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/*.cmake")
    if(NOT files)
        message(FATAL_ERROR "no package in ${arg_CONFIG_PATH}")
    endif()
    foreach(file IN LISTS files)
        file(READ "${file}" text)
        string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/../../../" "\${CMAKE_CURRENT_LIST_DIR}/../../" text "${text}")
        string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)
get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)
get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)"
            "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)
get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)" text "${text}")
        get_filename_component(name "${file}" NAME)
        file(WRITE "${CURRENT_PACKAGES_DIR}/share/${PORT}/${name}" "${text}")
    endforeach()
    file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/cmake")
endfunction()

function(vcpkg_fixup_pkgconfig)
    file(READ "${CURRENT_PACKAGES_DIR}/share/pkgconfig/ddpm.pc" text)
    if(text MATCHES "${CURRENT_PACKAGES_DIR}")
        message(FATAL_ERROR "ddpm.pc has absolute paths")
    endif()
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
    run("vcpkg_install_copyright" "${CMAKE_COMMAND}" -E copy ${arg_FILE_LIST}
        "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright")
endfunction()

make_empty("${work}")
include("${port_folder}/portfile.cmake")

# What vcpkg demands of every package, and of one without libraries.
file(GLOB_RECURSE files RELATIVE "${CURRENT_PACKAGES_DIR}" "${CURRENT_PACKAGES_DIR}/*")
list(FILTER files EXCLUDE REGEX "^(include/ddpm/|share/ddpm/[^/]*$|share/pkgconfig/ddpm\\.pc$)")
if(files)
    message(FATAL_ERROR "the package holds what it should not: ${files}")
endif()

file(RENAME "${CURRENT_PACKAGES_DIR}" "${work}/installed")
run("the project" "${CMAKE_CTEST_COMMAND}" --build-and-test "${source}/tests/consumers/find_package" "${work}/consumer"
    --build-generator "${generator}" --build-options "-DCMAKE_CXX_COMPILER=${compiler}" "-DEigen3_DIR=${eigen}"
        "-DCMAKE_PREFIX_PATH=${work}/installed" -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DPROGRAM=../small.cpp
    --test-command "${CMAKE_CTEST_COMMAND}" --output-on-failure)
