// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"
#include "kernels/differential/cases.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace ddpm::fuzz {

/// The first byte chooses a kernel; the others, four at a time, are the words that shapes and numbers are made from. After the
/// last one come words that a generator makes of them.
void kernels(bytes input) {
    static const std::vector<test::kernel_case> cases = [] {
        set_thread_count(1);
        std::vector<test::kernel_case> all;
        test::for_each_kernel_case([&](const test::kernel_case& one) { all.push_back(one); });
        return all;
    }();
    if (input.empty()) {
        return;
    }
    const test::kernel_case& one = cases[std::to_integer<std::size_t>(input[0]) % cases.size()];
    input = input.subspan(1);
    std::uint64_t state = 1;
    test::number_source from([&] {
        std::uint32_t word = 0;
        if (input.size() >= 4) {
            std::memcpy(&word, input.data(), 4);
            input = input.subspan(4);
        }
        state = (state + word) * 6364136223846793005u + 1442695040888963407u;
        return word != 0 ? word : static_cast<std::uint32_t>(state >> 32);
    });
    test::comparison result;
    one.run(from, result);
    require(result.failure().empty(), result.failure().c_str());
}

}  // namespace ddpm::fuzz
