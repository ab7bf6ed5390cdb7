# The examples run with --quick, and print what tests/examples/expected/NAME.txt holds. Those that do more without it have a
# file NAME_full.txt too, which a slow test compares.

include("${PROJECT_SOURCE_DIR}/examples/add_example.cmake")

find_package(PNG REQUIRED)
target_link_libraries(test_examples PRIVATE PNG::PNG)

# add_example_test(NAME program [argument...])
function(add_example_test name program)
    add_test(NAME example_${name}
        COMMAND "${CMAKE_COMMAND}" -D "expected=${CMAKE_CURRENT_SOURCE_DIR}/examples/expected/${name}.txt"
            -D "folder=${CMAKE_CURRENT_BINARY_DIR}/examples_run/${name}"
            -P "${CMAKE_CURRENT_SOURCE_DIR}/examples/compare.cmake" -- "$<TARGET_FILE:${program}>" ${ARGN})
    set_tests_properties(example_${name} PROPERTIES LABELS example)
endfunction()

function(add_skipped_test name missing)
    add_test(NAME ${name} COMMAND "${CMAKE_COMMAND}" -E echo "SKIPPED: not found: ${missing}")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "${skipped_at_once}")
endfunction()

# The example under valgrind's memcheck, which finds decisions by memory that was never written, and leaks. It takes fifty times
# as long, and knows the instructions up to AVX2. Memory that is possibly lost is no error: the library's threads, which live until
# the program ends, hold some.
find_program(valgrind valgrind)
function(add_memcheck_test example)
    if(valgrind)
        add_test(NAME memcheck_${example} COMMAND "${valgrind}" --error-exitcode=1 --leak-check=full
            --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect
            "$<TARGET_FILE:example_${example}>" ${ARGN})
    else()
        add_skipped_test(memcheck_${example} valgrind)
    endif()
    set(run "${CMAKE_CURRENT_BINARY_DIR}/memcheck_run/${example}")
    file(MAKE_DIRECTORY "${run}")
    set_tests_properties(memcheck_${example} PROPERTIES LABELS "example;slow" WORKING_DIRECTORY "${run}")
endfunction()

# Those that need nothing but the library.
set(short_examples forward_process own_schedule own_predictor own_layer own_sampler guidance conditions
    diffusers_exchange serving real_time)
set(engine_examples openvino libtorch)

# The short examples that memcheck runs in less than a minute.
set(memcheck_examples forward_process own_schedule own_predictor own_sampler guidance diffusers_exchange)

foreach(example IN LISTS short_examples engine_examples)
    if(DDPM_SANITIZE AND example IN_LIST engine_examples)
        set(example_missing "an engine that is built with the sanitizer")
    else()
        add_example(example_${example} ${example} test_compiled)
    endif()
    if(example_missing)
        add_skipped_test(example_${example} "${example_missing}")
    else()
        # Eigen's header is compiled once for all.
        if(example STREQUAL "forward_process")
            target_precompile_headers(example_${example} PRIVATE <Eigen/Core>)
        elseif(example IN_LIST short_examples)
            target_precompile_headers(example_${example} REUSE_FROM example_forward_process)
        endif()
        add_example_test(${example} example_${example} --quick)
        if(example IN_LIST memcheck_examples AND NOT DDPM_SANITIZE)
            add_memcheck_test(${example} --quick)
        endif()
        if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/examples/expected/${example}_full.txt")
            add_example_test(${example}_full example_${example})
            set_tests_properties(example_${example}_full PROPERTIES LABELS "example;slow")
        endif()
    endif()
    if(example IN_LIST engine_examples)
        set_tests_properties(example_${example} PROPERTIES LABELS "example;engine")
    endif()
endforeach()

# Those that take longer to compile, and need CLI11. Only digits is built unless the option asks for all.
option(DDPM_TEST_LONG_EXAMPLES "Build and run all examples in the tests" OFF)

# add_long_example_test(EXAMPLE [argument...])
function(add_long_example_test example)
    add_example(example_${example} ${example} test_compiled)
    if(example_missing)
        add_skipped_test(example_${example} "${example_missing}")
    else()
        add_example_test(${example} example_${example} --quick ${ARGN})
    endif()
endfunction()

# An example that reads what a test has made before, the fixture; the arguments after that are its own.
function(add_following_example_test example fixture)
    add_example(example_${example} ${example} test_compiled)
    if(example_missing)
        add_skipped_test(example_${example} "${example_missing}")
    else()
        add_example_test(${example} example_${example} ${ARGN})
        set_tests_properties(example_${example} PROPERTIES FIXTURES_REQUIRED ${fixture})
    endif()
endfunction()

set(example_data "${PROJECT_SOURCE_DIR}/examples/data")
add_long_example_test(digits --data "${CMAKE_CURRENT_SOURCE_DIR}/examples/colours")
if(TARGET example_digits)
    set(drawn "${CMAKE_CURRENT_BINARY_DIR}/examples_run/drawn")
    add_test(NAME example_digits_drawn COMMAND example_digits --quick --overwrite
        --data "${example_data}/digits-images.idx3-ubyte" --out "${drawn}")
    set_tests_properties(example_digits_drawn PROPERTIES LABELS example FIXTURES_SETUP drawn_digits)
    add_following_example_test(quality drawn_digits "${drawn}/samples.npy" "${example_data}/digits-images.idx3-ubyte")
endif()
if(DDPM_TEST_LONG_EXAMPLES)
    add_long_example_test(samplers)
    add_long_example_test(likelihood)
    add_long_example_test(mnist --data "${example_data}/digits-images.idx3-ubyte" --labels "${example_data}/digits-labels.idx1-ubyte")
    add_long_example_test(super_resolution --data "${example_data}/digits-images.idx3-ubyte")
    add_long_example_test(diffusers_sample "${CMAKE_CURRENT_SOURCE_DIR}/diffusers/data/pipeline")
    if(TARGET example_mnist)
        set_tests_properties(example_mnist PROPERTIES FIXTURES_SETUP mnist_model)
        add_following_example_test(export mnist_model --height 8 --width 8
            --checkpoint "${CMAKE_CURRENT_BINARY_DIR}/examples_run/mnist/out/mnist/model.safetensors")
    endif()
    foreach(example IN ITEMS samplers likelihood mnist export super_resolution diffusers_sample)
        if(TEST example_${example})
            set_tests_properties(example_${example} PROPERTIES LABELS "example;slow")
        endif()
    endforeach()
endif()
