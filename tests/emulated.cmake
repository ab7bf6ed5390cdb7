# Tests for another system, which an emulator runs: emulated.sh. The packages of Catch2 and libpng hold code for this machine,
# so Catch2's main function is compiled here, and what needs libpng is left out.

# The two libraries that are headers, without what lies beside them: that is for this machine.
set(system_headers "${CMAKE_CURRENT_BINARY_DIR}/system_headers")
file(MAKE_DIRECTORY "${system_headers}")
foreach(library IN ITEMS catch2 nlohmann)
    file(CREATE_LINK "/usr/include/${library}" "${system_headers}/${library}" SYMBOLIC)
endforeach()
add_library(catch_main STATIC support/catch_main.cpp)
target_include_directories(catch_main SYSTEM PUBLIC "${system_headers}")
add_library(Catch2::Catch2WithMain ALIAS catch_main)
add_library(nlohmann_json INTERFACE)
target_include_directories(nlohmann_json SYSTEM INTERFACE "${system_headers}")
add_library(nlohmann_json::nlohmann_json ALIAS nlohmann_json)

add_compile_definitions(DDPM_TEST_EMULATED)
set(sources_not_emulated "${CMAKE_CURRENT_SOURCE_DIR}/io/write_png.cpp")
if(CMAKE_SYSTEM_NAME STREQUAL "Windows")
    # What README.md promises for Windows. Tests that call POSIX functions, or put their own in the place of those of the C
    # library, are left out.
    set(emulated_rooms core schedule sampler io)
    file(GLOB_RECURSE sources "core/*.cpp" "schedule/*.cpp" "sampler/*.cpp" "io/*.cpp")
    foreach(source IN LISTS sources)
        file(STRINGS "${source}" posix REGEX
            "#include (<unistd|<sys/|\"support/(.*allocations|child_process|.*lock|file_faults|refuse_threads|repeated_memory|thread_creation))")
        if(posix)
            list(APPEND sources_not_emulated "${source}")
        endif()
    endforeach()
else()
    # The rooms that have code of their own for processors, and files.
    set(emulated_rooms core kernels random io)
    # qemu's emulation of a program does not survive a fork while other threads run, and needs address space of its own.
    string(CONCAT core_not_emulated
        "~\"a child of fork has*\"~\"a fork while*\"~\"fork may be called in a task*\"~\"a child that*\""
        "~\"exit may be called in a task*\"~\"what runs after main*\"~\"little address space is no error*\"")
endif()
