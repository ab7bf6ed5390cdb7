# What reads bytes that nobody vouches for, and the kernels, run on the committed inputs by any compiler, and by libFuzzer where
# DDPM_FUZZ is on: see run.sh in this folder.

option(DDPM_FUZZ "Build the libFuzzer programs; needs Clang" OFF)

# Each target of targets.hpp has a source and an archive of inputs of its name.
file(GLOB fuzz_targets RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus" CONFIGURE_DEPENDS "fuzz/corpus/*.tgz")
list(TRANSFORM fuzz_targets REPLACE "\\.tgz$" "")

# Without test_support, which brings a main function of its own. For libFuzzer everything is compiled here, so that it sees
# what is executed.
add_library(fuzz_support INTERFACE)
target_include_directories(fuzz_support INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(fuzz_support INTERFACE ddpm::ddpm ddpm_developer nlohmann_json::nlohmann_json)
if(NOT DDPM_FUZZ)
    target_link_libraries(fuzz_support INTERFACE test_compiled)
endif()

# A program holds the code of its own target only: libFuzzer looks through the counters of all code after each execution.
add_executable(fuzz_replay fuzz/replay.cpp)
target_link_libraries(fuzz_replay PRIVATE fuzz_support)
foreach(target IN LISTS fuzz_targets)
    set(beside "")
    if(target STREQUAL "kernels")
        file(GLOB beside CONFIGURE_DEPENDS "kernels/differential/*.cpp")
    endif()
    add_library(fuzz_target_${target} OBJECT fuzz/${target}.cpp ${beside})
    target_link_libraries(fuzz_target_${target} PRIVATE fuzz_support)
    target_link_libraries(fuzz_replay PRIVATE fuzz_target_${target})
    if(DDPM_FUZZ)
        target_compile_options(fuzz_target_${target} PRIVATE -O2 -fsanitize=fuzzer-no-link)
        add_executable(fuzz_${target} fuzz/fuzzer.cpp)
        target_compile_definitions(fuzz_${target} PRIVATE DDPM_FUZZ_TARGET=${target})
        target_link_libraries(fuzz_${target} PRIVATE fuzz_support fuzz_target_${target})
        target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
    endif()
endforeach()
add_test(NAME fuzz_corpus COMMAND "${CMAKE_COMMAND}"
    -D "replay=$<TARGET_FILE:fuzz_replay>" -D "corpus=${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus"
    -D "work=${CMAKE_CURRENT_BINARY_DIR}/fuzz_corpus" -P "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/replay.cmake")
