# Speed as instruction counts, which no other program's load changes. By hand, also to write a new baseline:
# cmake --build FOLDER --target instruction_baseline

if(DDPM_SANITIZE OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    return()
endif()
find_program(valgrind valgrind)
add_executable(kernel_calls instructions/kernel_calls.cpp instructions/elementwise.cpp instructions/sums.cpp
    instructions/noise.cpp instructions/network.cpp instructions/winograd.cpp)
target_link_libraries(kernel_calls PRIVATE ddpm::ddpm ddpm_developer)
target_compile_options(kernel_calls PRIVATE -O2)
set(count_instructions "${CMAKE_COMMAND}" -D "valgrind=$<IF:$<BOOL:${valgrind}>,${valgrind},>"
    -D "program=$<TARGET_FILE:kernel_calls>" -D "compiler=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    -D "baseline=${CMAKE_CURRENT_SOURCE_DIR}/instructions/baseline.tsv" -D "source=${PROJECT_SOURCE_DIR}")
set(count_script -P "${CMAKE_CURRENT_SOURCE_DIR}/instructions/count.cmake")
add_test(NAME instructions COMMAND ${count_instructions} ${count_script})
set_tests_properties(instructions PROPERTIES LABELS slow SKIP_REGULAR_EXPRESSION "${skipped_at_once}")
add_custom_target(instruction_baseline COMMAND ${count_instructions} -D update=ON ${count_script} VERBATIM)
