// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/largest_allocation.hpp"

#include <cstdlib>
#include <new>

namespace ddpm::test {

std::atomic<std::size_t> largest_allocation{0};

}  // namespace ddpm::test

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    std::size_t largest = ddpm::test::largest_allocation.load();
    while (size > largest && !ddpm::test::largest_allocation.compare_exchange_weak(largest, size)) {
    }
    return std::malloc(size == 0 ? 1 : size);
}

void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow)) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
