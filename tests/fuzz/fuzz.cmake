# What reads bytes that nobody vouches for, run on the committed inputs by any compiler, and by libFuzzer where DDPM_FUZZ is on:
# see run.sh in this folder.

set(fuzz_targets json safetensors npy idx unet_config scheduler parameters folder)

add_library(fuzz_targets OBJECT fuzz/formats.cpp fuzz/scheduler.cpp fuzz/weights.cpp)
target_link_libraries(fuzz_targets PRIVATE test_support test_compiled)

add_executable(fuzz_replay fuzz/replay.cpp)
target_link_libraries(fuzz_replay PRIVATE test_support test_compiled fuzz_targets)
add_test(NAME fuzz_corpus COMMAND "${CMAKE_COMMAND}"
    -D "replay=$<TARGET_FILE:fuzz_replay>" -D "corpus=${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus"
    -D "work=${CMAKE_CURRENT_BINARY_DIR}/fuzz_corpus" -P "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/replay.cmake")

option(DDPM_FUZZ "Build the libFuzzer programs; needs Clang" OFF)
if(DDPM_FUZZ)
    foreach(target IN LISTS fuzz_targets)
        add_executable(fuzz_${target} fuzz/fuzzer.cpp)
        target_compile_definitions(fuzz_${target} PRIVATE DDPM_FUZZ_TARGET=${target})
        target_link_libraries(fuzz_${target} PRIVATE test_support test_compiled fuzz_targets)
        target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
    target_compile_options(fuzz_targets PRIVATE -fsanitize=fuzzer-no-link)
endif()
