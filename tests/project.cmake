# Checks of the project itself: folders, includes, headers alone, the programs of the documents.

function(add_project_test name)
    add_test(NAME ${name} COMMAND "${CMAKE_COMMAND}" -D "source=${PROJECT_SOURCE_DIR}" ${ARGN}
        -P "${CMAKE_CURRENT_SOURCE_DIR}/project/${name}.cmake")
endfunction()

add_project_test(top_level)
add_project_test(include_direction)
add_project_test(umbrella)
add_project_test(mirrored_tests)
add_project_test(promises)
add_project_test(concepts)
add_project_test(docstrings)
add_project_test(example_outputs)
add_project_test(format)
set_tests_properties(format PROPERTIES SKIP_REGULAR_EXPRESSION "${skipped_at_once}")

# Where the library's target has it.
get_target_property(eigen_folder Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)

# The programs of these tests are only compiled, so that sanitizers would find nothing in them.
if(NOT DDPM_SANITIZE)
    # The first error of a wrong program.
    add_project_test(wrong_signature -D "compiler=${CMAKE_CXX_COMPILER}" -D "eigen=${eigen_folder}"
        -D "work=${CMAKE_CURRENT_BINARY_DIR}/wrong_signature")
    # The cost is about the test's seconds: ctest starts the tests of the greatest cost first.
    set_tests_properties(wrong_signature PROPERTIES COST 100)
    # A program that uses every name unqualified beside the system's headers.
    add_project_test(system_names -D "compiler=${CMAKE_CXX_COMPILER}" -D "eigen=${eigen_folder}"
        -D "work=${CMAKE_CURRENT_BINARY_DIR}/system_names")
    add_test(NAME no_exceptions
        COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -fno-exceptions -fsyntax-only -x c++
            -I "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/include/ddpm/ddpm.hpp")
    set_tests_properties(no_exceptions PROPERTIES PASS_REGULAR_EXPRESSION "ddpm needs exceptions")
endif()

# Every header compiles alone. Most include Eigen/Core through core/types.hpp, and that would take most of the time: it is
# compiled once. Headers that include nothing of the library beyond core/ may not include it, and are compiled without.
if(NOT DDPM_SANITIZE)
    set(alone "")
    foreach(target IN ITEMS ddpm ddpm_bench_headers)
        if(TARGET ${target})
            get_target_property(headers ${target} HEADER_SET)
            get_target_property(folder ${target} HEADER_DIRS)
            foreach(header IN LISTS headers)
                file(RELATIVE_PATH name "${folder}" "${header}")
                string(REGEX REPLACE "\\.hpp$" ".cpp" cpp "${CMAKE_CURRENT_BINARY_DIR}/headers_alone/${name}")
                file(CONFIGURE OUTPUT "${cpp}" CONTENT "#include <${name}>\n#include <${name}>\n")
                file(STRINGS "${header}" includes REGEX "^#include <ddpm/")
                list(FILTER includes EXCLUDE REGEX "<ddpm/core/")
                if(NOT includes)
                    set_source_files_properties("${cpp}" PROPERTIES SKIP_PRECOMPILE_HEADERS TRUE)
                endif()
                list(APPEND alone "${cpp}")
            endforeach()
        endif()
    endforeach()
    add_library(headers_alone OBJECT ${alone})
    target_link_libraries(headers_alone PRIVATE ddpm::ddpm ddpm_developer $<TARGET_NAME_IF_EXISTS:ddpm_bench_headers>)
    target_compile_options(headers_alone PRIVATE -O0)
    target_precompile_headers(headers_alone PRIVATE <Eigen/Core>)
endif()

# A user's program that asks for every warning, and has macros where headers might have names. It is only compiled.
if(NOT DDPM_SANITIZE)
    add_library(strict_build OBJECT project/strict_build.cpp)
    target_link_libraries(strict_build PRIVATE ddpm::ddpm ddpm_developer)
    target_compile_options(strict_build PRIVATE
        -O1 -fno-rtti -Werror=conversion -Werror=sign-conversion -Werror=old-style-cast -Werror=shadow
        $<$<CXX_COMPILER_ID:GNU>:-Werror=useless-cast>)
endif()

# Every public concept with types that meet it and types that do not, and the smallest types run through the templates.
add_executable(concepts project/concepts.cpp)
target_link_libraries(concepts PRIVATE test_support)
target_compile_options(concepts PRIVATE -O0)
add_test(NAME smallest_types COMMAND concepts)

# What the library asserts about calls. The macro is the program's own, so no other program may be linked with it.
add_executable(assertions project/assertions.cpp)
target_link_libraries(assertions PRIVATE ddpm::ddpm ddpm_developer)
target_compile_options(assertions PRIVATE -O0)
add_test(NAME assertions COMMAND assertions)

# What compiling costs, in multiples of Eigen/Dense, and whether it is within the limits, which are of GCC 12. Also by hand:
# cmake --build FOLDER --target compile_cost
add_executable(measure_compile_cost project/compile_cost.cpp)
target_link_libraries(measure_compile_cost PRIVATE ddpm_developer)
target_compile_features(measure_compile_cost PRIVATE cxx_std_20)
set(compile_cost measure_compile_cost "${CMAKE_CXX_COMPILER}" "${PROJECT_SOURCE_DIR}/include" "${eigen_folder}"
    "${CMAKE_CURRENT_BINARY_DIR}/documents/first_block.cpp" "${CMAKE_CURRENT_BINARY_DIR}")
add_custom_target(compile_cost COMMAND ${compile_cost} VERBATIM)
if(NOT DDPM_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    add_test(NAME compile_cost COMMAND ${compile_cost})
endif()

if(TARGET ddpm_bench)
    add_test(NAME bench_runs COMMAND ddpm_bench --filter=^schedule/ --only-ours)
    set_tests_properties(bench_runs PROPERTIES PASS_REGULAR_EXPRESSION "schedule/cosine/1000")
    # Every case once after the call that warms up, without peers: the least time ends a measurement after one call.
    add_test(NAME bench_runs_all COMMAND ddpm_bench --only-ours --benchmark_min_time=1e-9)
    set_tests_properties(bench_runs_all PROPERTIES LABELS slow COST 250)
    add_project_test(bench_stored -D "bench=$<TARGET_FILE:ddpm_bench>")
    add_project_test(bench_compare -D "bench=$<TARGET_FILE:ddpm_bench>" -D "work=${CMAKE_CURRENT_BINARY_DIR}/bench_compare")
endif()

# The C++ programs of README.md and of the documents that it names, with short loops. compile_cost compiles the first as it stands.
file(GLOB documents CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/examples/*.md" "${PROJECT_SOURCE_DIR}/examples/*/*.md")
list(REMOVE_ITEM documents "${PROJECT_SOURCE_DIR}/README.md")
list(PREPEND documents "${PROJECT_SOURCE_DIR}/README.md")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${documents})
include(project/document_programs.cmake)
extract_document_programs("${CMAKE_CURRENT_BINARY_DIR}/documents" document_programs ${documents})
foreach(program IN LISTS document_programs)
    add_executable(document_${program} "${CMAKE_CURRENT_BINARY_DIR}/documents/${program}.cpp")
    target_link_libraries(document_${program} PRIVATE ddpm::ddpm ddpm_developer test_compiled)
    add_test(NAME document_${program} COMMAND document_${program}
        WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/documents")
endforeach()
