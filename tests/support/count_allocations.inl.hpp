// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A source file that counts the allocations of the program and lets one of them fail: takes the place of malloc and its
// kin and of operator new, and hands on to glibc's own or to the sanitizer's.

#include "support/allocations.hpp"
#include "support/sanitizer.hpp"

#include <cerrno>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace ddpm::test {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> largest_allocation{0};
std::atomic<std::ptrdiff_t> live_blocks{0};
std::atomic<std::ptrdiff_t> live_bytes{0};
std::atomic<std::ptrdiff_t> peak_bytes{0};
std::atomic<std::ptrdiff_t> failing_allocation{0};
std::atomic<bool> failing_ever_after{false};
std::atomic<std::size_t> failed_allocations{0};

}  // namespace ddpm::test

namespace {

template <class T>
void raise(std::atomic<T>& most, T value) noexcept {
    T before = most.load(std::memory_order_relaxed);
    while (value > before && !most.compare_exchange_weak(before, value, std::memory_order_relaxed)) {
    }
}

}  // namespace

#if defined(DDPM_TEST_COUNTS_ALLOCATIONS)

#if defined(DDPM_TEST_SANITIZER)
#define DDPM_TEST_SYSTEM(name) __interceptor_##name
#define DDPM_TEST_PLAIN __attribute__((no_sanitize("address", "undefined")))
#else
#define DDPM_TEST_SYSTEM(name) __libc_##name
#define DDPM_TEST_PLAIN
#endif

extern "C" {
void* DDPM_TEST_SYSTEM(malloc)(std::size_t size);
void* DDPM_TEST_SYSTEM(calloc)(std::size_t count, std::size_t size);
void* DDPM_TEST_SYSTEM(memalign)(std::size_t alignment, std::size_t size);
void* DDPM_TEST_SYSTEM(realloc)(void* memory, std::size_t size);
void DDPM_TEST_SYSTEM(free)(void* memory);
}

namespace {

/// Whether this allocation is the one that fails.
bool fails() noexcept {
    using namespace ddpm::test;
    ++allocations;
    if (failing_allocation.load(std::memory_order_relaxed) <= 0) {
        return false;
    }
    const std::ptrdiff_t left = failing_allocation.fetch_sub(1);
    if (left == 1 && failing_ever_after) {
        failing_allocation = 1;
    }
    if (left == 1) {
        ++failed_allocations;
        errno = ENOMEM;
    }
    return left == 1;
}

void* counted(void* memory) noexcept {
    if (memory != nullptr) {
        const auto size = static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
        ++ddpm::test::live_blocks;
        raise(ddpm::test::peak_bytes, ddpm::test::live_bytes += size);
    }
    return memory;
}

void given_back(void* memory) noexcept {
    if (memory != nullptr) {
        --ddpm::test::live_blocks;
        ddpm::test::live_bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
    }
}

// Before the program's own start a sanitizer is ready for nothing but what is handed on to it.
bool started = false;
[[maybe_unused]] const bool start = started = true;

}  // namespace

extern "C" {

DDPM_TEST_PLAIN void* malloc(std::size_t size) {
    if (!started) {
        return DDPM_TEST_SYSTEM(malloc)(size);
    }
    return fails() ? nullptr : counted(DDPM_TEST_SYSTEM(malloc)(size));
}

// It never fails: the C library ends the program where it cannot have its own.
DDPM_TEST_PLAIN void* calloc(std::size_t count, std::size_t size) {
    if (!started) {
        return DDPM_TEST_SYSTEM(calloc)(count, size);
    }
    return counted(DDPM_TEST_SYSTEM(calloc)(count, size));
}

DDPM_TEST_PLAIN void* realloc(void* memory, std::size_t size) {
    if (!started) {
        return DDPM_TEST_SYSTEM(realloc)(memory, size);
    }
    if (fails()) {
        return nullptr;
    }
    given_back(memory);
    void* const moved = DDPM_TEST_SYSTEM(realloc)(memory, size);
    counted(moved == nullptr && size != 0 ? memory : moved);
    return moved;
}

DDPM_TEST_PLAIN void* memalign(std::size_t alignment, std::size_t size) {
    if (!started) {
        return DDPM_TEST_SYSTEM(memalign)(alignment, size);
    }
    return fails() ? nullptr : counted(DDPM_TEST_SYSTEM(memalign)(alignment, size));
}

DDPM_TEST_PLAIN void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

DDPM_TEST_PLAIN int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    *memory = memalign(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}

DDPM_TEST_PLAIN void free(void* memory) {
    if (started) {
        given_back(memory);
    }
    DDPM_TEST_SYSTEM(free)(memory);
}

}  // extern "C"

#endif

// Clang's thread sanitizer links operators of its own into the program, beside which there can be no others.
#if !(defined(__clang__) && defined(DDPM_TEST_THREAD_SANITIZER))

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    raise(ddpm::test::largest_allocation, size);
    return std::malloc(size == 0 ? 1 : size);
}

void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow)) {
        return memory;
    }
    throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    raise(ddpm::test::largest_allocation, size);
    const auto unit = static_cast<std::size_t>(alignment);
    if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#endif
