# Projects of their own that use ddpm as users do. A sanitizer's build leaves them out: they see none of its flags.

if(DDPM_SANITIZE)
    return()
endif()

set(install_tree "${CMAKE_CURRENT_BINARY_DIR}/install_tree")

function(add_consumer_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "INSTALLED" "" "OPTIONS")
    set(options
        "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" "-DEigen3_DIR=${Eigen3_DIR}"
        ${arg_OPTIONS})
    if(CMAKE_CXX_STANDARD)
        list(APPEND options "-DCMAKE_CXX_STANDARD=${CMAKE_CXX_STANDARD}")
    endif()
    add_test(NAME consumer_${name}
        COMMAND "${CMAKE_CTEST_COMMAND}" --build-and-test
            "${PROJECT_SOURCE_DIR}/tests/consumers/${name}" "${CMAKE_CURRENT_BINARY_DIR}/consumers/${name}"
            --build-generator "${CMAKE_GENERATOR}" --build-makeprogram "${CMAKE_MAKE_PROGRAM}"
            --build-options --fresh ${options}
            --test-command "${CMAKE_CTEST_COMMAND}" --output-on-failure)
    set_tests_properties(consumer_${name} PROPERTIES LABELS consumer)
    if(arg_INSTALLED)
        set_tests_properties(consumer_${name} PROPERTIES FIXTURES_REQUIRED install_tree)
    endif()
endfunction()

add_consumer_test(add_subdirectory OPTIONS "-DDDPM_FOLDER=${PROJECT_SOURCE_DIR}")
add_consumer_test(fetch_content OPTIONS "-DDDPM_FOLDER=${PROJECT_SOURCE_DIR}")
add_consumer_test(mixed_march OPTIONS -DCMAKE_CXX_FLAGS=-O2 "-DDDPM_FOLDER=${PROJECT_SOURCE_DIR}")

if(DDPM_INSTALL)
    # Into an empty folder: what an earlier version installed is not there.
    add_test(NAME install_tree_removed COMMAND "${CMAKE_COMMAND}" -E rm -rf "${install_tree}")
    set_tests_properties(install_tree_removed PROPERTIES FIXTURES_SETUP install_tree_removed)
    add_test(NAME install_tree
        COMMAND "${CMAKE_COMMAND}" --install "${PROJECT_BINARY_DIR}" --prefix "${install_tree}")
    set_tests_properties(install_tree PROPERTIES FIXTURES_REQUIRED install_tree_removed FIXTURES_SETUP install_tree)
    add_consumer_test(find_package INSTALLED OPTIONS "-Dddpm_ROOT=${install_tree}")
    # It compiles every instance, which takes minutes.
    add_consumer_test(compiled INSTALLED OPTIONS -DCMAKE_BUILD_TYPE=Release "-Dddpm_ROOT=${install_tree}")
    set_property(TEST consumer_compiled APPEND PROPERTY LABELS slow)
    if(TARGET ddpm::bench)
        add_consumer_test(bench INSTALLED OPTIONS "-Dddpm_ROOT=${install_tree}" "-Dbenchmark_DIR=${benchmark_DIR}")
    endif()
endif()

# A script of packages/, for the ways to use ddpm beyond CMake.
function(add_package_test name)
    add_test(NAME package_${name}
        COMMAND "${CMAKE_COMMAND}" -D "source=${PROJECT_SOURCE_DIR}" -D "compiler=${CMAKE_CXX_COMPILER}"
            -D "generator=${CMAKE_GENERATOR}" -D "work=${CMAKE_CURRENT_BINARY_DIR}/packages/${name}" ${ARGN}
            -P "${PROJECT_SOURCE_DIR}/tests/consumers/packages/${name}.cmake")
    set_tests_properties(package_${name} PROPERTIES LABELS consumer SKIP_REGULAR_EXPRESSION "${skipped_at_once}")
endfunction()

add_package_test(versions)
add_package_test(fetch_repository -D "eigen=${Eigen3_DIR}")
add_package_test(plain_install -D "eigen=${Eigen3_DIR}")
add_package_test(vcpkg -D "eigen=${Eigen3_DIR}")
add_package_test(conan -D "eigen=${eigen_folder}")
add_package_test(copy -D "eigen=${eigen_folder}")
set_tests_properties(package_copy PROPERTIES FIXTURES_SETUP samples)
add_package_test(single_header -D "eigen=${eigen_folder}"
    -D "expected=${CMAKE_CURRENT_BINARY_DIR}/packages/copy/output.txt")
add_package_test(mingw -D "eigen=${eigen_folder}" -D "expected=${CMAKE_CURRENT_BINARY_DIR}/packages/copy/output.txt")
set_tests_properties(package_single_header package_mingw PROPERTIES FIXTURES_REQUIRED samples)
set_property(TEST package_mingw APPEND PROPERTY LABELS mingw)
# What they need, only tests/run.sh --all installs.
set_property(TEST package_mingw package_conan APPEND PROPERTY LABELS slow)
if(DDPM_INSTALL)
    add_package_test(pkg_config -D "installed=${install_tree}")
    add_package_test(components -D "eigen=${Eigen3_DIR}" -D "installed=${install_tree}")
    add_package_test(eigen -D "eigen=${eigen_folder}" -D "installed=${install_tree}")
    set_tests_properties(package_pkg_config package_components package_eigen PROPERTIES FIXTURES_REQUIRED install_tree)
endif()

# An older standard is named as the first error.
add_test(NAME older_standard
    COMMAND "${CMAKE_CXX_COMPILER}" -std=c++17 -fsyntax-only -x c++
        -I "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/include/ddpm/ddpm.hpp")
set_tests_properties(older_standard PROPERTIES PASS_REGULAR_EXPRESSION "ddpm needs C\\+\\+20")

set(build_type_options -D "folder=${CMAKE_CURRENT_BINARY_DIR}/build_type" -D "generator=${CMAKE_GENERATOR}"
    -D "compiler=${CMAKE_CXX_COMPILER}" -D "eigen=${Eigen3_DIR}")
if(DDPM_INSTALL)
    add_project_test(build_type ${build_type_options} -D "installed=${install_tree}")
    set_tests_properties(build_type PROPERTIES FIXTURES_REQUIRED install_tree)
else()
    add_project_test(build_type ${build_type_options})
endif()
