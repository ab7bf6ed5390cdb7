// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A source file that counts the allocations of the program: takes the place of malloc and its kin, and hands on to glibc's own.

#include "support/allocations.hpp"

#include <cstdlib>

namespace ddpm::test {

std::atomic<std::size_t> allocations{0};

}  // namespace ddpm::test

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);

void* malloc(std::size_t size) {
    ++ddpm::test::allocations;
    return __libc_malloc(size);
}

void* realloc(void* memory, std::size_t size) {
    ++ddpm::test::allocations;
    return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    ++ddpm::test::allocations;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    ++ddpm::test::allocations;
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? 12 : 0;
}

}  // extern "C"
#endif
