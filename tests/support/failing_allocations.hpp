// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <cstddef>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {

/// What can be seen of an object or a file, byte for byte.
using contents = std::vector<std::string>;

/// The bytes of numbers.
template <class Numbers>
[[nodiscard]] std::string bytes_of_numbers(const Numbers& numbers) {
    const auto* const first = reinterpret_cast<const char*>(numbers.data());
    return {first, first + static_cast<std::size_t>(numbers.size()) * sizeof(*numbers.data())};
}

/// What may be left of an operation that threw.
enum class guarantee {
    strong,    ///< all is as it was
    each_part  ///< each part of the content is as it was, or as the operation would have made it
};

[[nodiscard]] inline bool keeps(guarantee promised, const contents& before, const contents& after,
                                const contents& left) {
    if (promised == guarantee::strong || left.size() != after.size()) {
        return left == before;
    }
    for (std::size_t part = 0; part < left.size(); ++part) {
        if (left[part] != before[part] && left[part] != after[part]) {
            return false;
        }
    }
    return true;
}

/// Makes an object, and runs an operation on it of which the first allocation fails, then on a new object the second
/// one, and so on until none fails. Required at each point: the operation throws std::bad_alloc or a ddpm::base_error,
/// or its result is the right one; with one thread nothing is leaked; what is left keeps the guarantee; and the
/// operation, repeated on the same object, gives the right result. Then the same where all allocations after that one
/// fail too.
/// @returns the number of points; many, if allocations cannot be made to fail in this build
template <class Make, class Operate, class Content>
std::size_t fail_every_allocation(std::string_view name, const Make& make, const Operate& operate,
                                  const Content& content_of, guarantee promised = guarantee::strong) {
    if (!allocations_are_counted) {
        WARN("skipped: in this build no allocation of " << name << " can be made to fail");
        return 1'000'000;
    }
    contents before, after;
    for (int warm_up = 0; warm_up < 2; ++warm_up) {  // what is made once and kept is there then
        auto object = make();
        before = content_of(*object);
        operate(*object);
        after = content_of(*object);
    }
    std::size_t points = 0;
    for (const bool ever_after : {false, true}) {
        for (std::ptrdiff_t n = 1;; ++n) {
            const char* problem = nullptr;
            bool failed = false, threw = false;
            const std::ptrdiff_t all_blocks = live_blocks;
            const std::size_t failed_before = failed_allocations;
            {
                auto object = make();
                failing_ever_after = ever_after;
                failing_allocation = n;
                try {
                    operate(*object);
                } catch (const std::bad_alloc&) {
                    threw = true;
                } catch (const base_error&) {
                    threw = true;
                }
                failing_allocation = 0;
                failed = failed_allocations != failed_before;
                const contents left = content_of(*object);
                if (!threw && left != after) {
                    problem = "a wrong value";
                }
                if (threw && !keeps(promised, before, after, left)) {
                    problem = "a half-changed object";
                }
                if (threw) {
                    operate(*object);
                    if (content_of(*object) != after) {
                        problem = "a wrong value when repeated";
                    }
                }
            }
            // Each thread keeps memory of its own, and which of several first needs it is chance.
            if (live_blocks != all_blocks && thread_count() == 1) {
                problem = "a leak";
            }
            if (problem != nullptr) {
                CAPTURE(name, n, ever_after, threw);
                FAIL_CHECK(problem);
            }
            if (!failed) {
                break;
            }
            ++points;
        }
    }
    std::cout << name << ": " << points << " failing allocations" << std::endl;
    return points;
}

}  // namespace ddpm::test
