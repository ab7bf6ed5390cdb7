# ddpm_developer: warnings and sanitizers for what this project itself compiles. It is never installed.

set(DDPM_SANITIZE "" CACHE STRING "Sanitizers for tests, examples and benchmarks, such as address,undefined")
option(DDPM_WERROR "Make warnings errors in tests, examples and benchmarks" OFF)

add_library(ddpm_developer INTERFACE)
target_compile_options(ddpm_developer INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wold-style-cast)
# In files that are compiled together Clang takes a name in one for shadowed by one in the next.
set(clang_compiles_files_together $<AND:$<CXX_COMPILER_ID:Clang>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>)
target_compile_options(ddpm_developer INTERFACE $<$<NOT:${clang_compiles_files_together}>:-Wshadow>)
if(DDPM_WERROR)
    # GCC's warnings that follow values through inlined code are at times wrong, so they stay warnings.
    target_compile_options(ddpm_developer INTERFACE -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(ddpm_developer INTERFACE
            -Wno-error=maybe-uninitialized -Wno-error=array-bounds -Wno-error=restrict
            -Wno-error=stringop-overflow -Wno-error=stringop-overread)
    endif()
endif()
if(DDPM_SANITIZE)
    set(ddpm_sanitizers -fsanitize=${DDPM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    if(DDPM_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        # Integers that lose bits in a conversion or in unsigned arithmetic: errors here, though the language allows them.
        list(APPEND ddpm_sanitizers -fsanitize=integer
            -fsanitize-ignorelist=${CMAKE_CURRENT_LIST_DIR}/wrapping_integers.txt)
    endif()
    target_compile_options(ddpm_developer INTERFACE ${ddpm_sanitizers})
    target_link_options(ddpm_developer INTERFACE ${ddpm_sanitizers})
    target_compile_definitions(ddpm_developer INTERFACE _GLIBCXX_ASSERTIONS)
endif()
