# The examples run with --quick, and print what tests/examples/expected/NAME.txt holds.

include("${PROJECT_SOURCE_DIR}/examples/add_example.cmake")

find_package(PNG REQUIRED)
target_link_libraries(test_examples PRIVATE PNG::PNG)

# add_example_test(NAME program [argument...])
function(add_example_test name program)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/examples_run/${name}")
    file(MAKE_DIRECTORY "${folder}")
    add_test(NAME example_${name}
        COMMAND "${CMAKE_COMMAND}" -D "expected=${CMAKE_CURRENT_SOURCE_DIR}/examples/expected/${name}.txt"
            -P "${CMAKE_CURRENT_SOURCE_DIR}/examples/compare.cmake" -- "$<TARGET_FILE:${program}>" --quick ${ARGN}
        WORKING_DIRECTORY "${folder}")
    set_tests_properties(example_${name} PROPERTIES LABELS example)
endfunction()

# Those that need nothing but the library.
set(short_examples forward_process own_schedule own_predictor own_layer own_sampler guidance conditions
    diffusers_exchange serving real_time)
set(engine_examples openvino libtorch)

foreach(example IN LISTS short_examples engine_examples)
    add_example(example_${example} ${example} test_compiled)
    if(example_missing)
        add_test(NAME example_${example} COMMAND "${CMAKE_COMMAND}" -E echo "SKIPPED: ${example_missing} is not found")
        set_tests_properties(example_${example} PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED")
    else()
        # Eigen's header is compiled once for all.
        if(example STREQUAL "forward_process")
            target_precompile_headers(example_${example} PRIVATE <Eigen/Core>)
        elseif(example IN_LIST short_examples)
            target_precompile_headers(example_${example} REUSE_FROM example_forward_process)
        endif()
        add_example_test(${example} example_${example})
    endif()
    if(example IN_LIST engine_examples)
        set_tests_properties(example_${example} PROPERTIES LABELS "example;engine")
    endif()
endforeach()
