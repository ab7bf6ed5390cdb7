# Tests for another processor, which an emulator runs: aarch64.sh. They are those of the layers that have code of their own for
# processors, and of files. The packages of Catch2 and libpng hold code for this machine, so Catch2's main function is compiled
# here, and what needs libpng is left out.

set(emulated_layers core kernels random io)
set(sources_not_emulated "${CMAKE_CURRENT_SOURCE_DIR}/io/write_png.cpp")

add_library(catch_main STATIC support/catch_main.cpp)
add_library(Catch2::Catch2WithMain ALIAS catch_main)

# qemu's emulation of a program does not survive a fork while other threads run, and needs address space of its own.
string(CONCAT core_not_emulated
    "~\"a child of fork has*\"~\"a fork while*\"~\"fork may be called in a task*\"~\"a child that*\""
    "~\"exit may be called in a task*\"~\"little address space is no error*\"")
