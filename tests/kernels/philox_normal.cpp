// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/random/normal_transform.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/reference_normal.hpp"

#define DDPM_KERNEL_BODY "kernels/box_muller.inl.hpp"
#include <ddpm/kernels/detail/foreach_target.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace ddpm::test {

namespace {

constexpr kernels::normal_address normal_draw{
    .seed = 0xfedcba9876543210, .stream = 0x10001, .step = 0x80000001u, .sample = 0xfffffff0u};

}  // namespace

TEMPLATE_TEST_CASE("the normal kernel has the bits of the scalar reference on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    constexpr isize margin = 3, columns = 3;
    for_each_target([&] {
        for (const isize rows : {0,  1,  2,  3,  4,  5,  7,   8,   9,   15,  16,   17,    31,    32,   33,
                                 47, 48, 49, 63, 64, 65, 100, 127, 128, 129, 1000, 16384, 16385, 40000}) {
            const isize stride = rows + 5;
            const S untouched = S(42);
            std::vector<S> memory(static_cast<std::size_t>(margin + columns * stride), untouched);
            kernels::philox_normal(normal_draw, batch_view<S>(memory.data() + margin, rows, columns, stride));
            bool same = true, outside = true;
            for (isize i = 0; i < static_cast<isize>(memory.size()); ++i) {
                const isize n = (i - margin) / stride, e = (i - margin) % stride;
                const S got = memory[static_cast<std::size_t>(i)];
                if (i < margin || e >= rows) {
                    outside = outside && got == untouched;
                } else {
                    same = same && got == static_cast<S>(reference_normal(normal_draw, n, e));
                }
            }
            CAPTURE(rows);
            CHECK(same);
            CHECK(outside);
        }
    });
}

TEST_CASE("the normal kernel reaches every block of a sample", "[kernels]") {
    for_each_target([] {
        const auto body = DDPM_DISPATCH(philox_normal<float>);
        for (const isize first : {isize{64}, isize{1} << 20, (isize{1} << 31) - 64, isize{1} << 31, isize{1} << 33,
                                  (isize{1} << 34) - 128}) {
            float out[128];
            body(normal_draw, out, 128, 1, first, 128);
            bool same = true;
            for (isize i = 0; i < 128; ++i) {
                same = same && out[i] == reference_normal(normal_draw, 0, first + i);
            }
            CAPTURE(first);
            CHECK(same);
        }
    });
}

TEST_CASE("rare words have the bits of the scalar reference on every target", "[kernels]") {
    std::vector<std::uint32_t> radius_words, angle_words;
    for (std::uint32_t i = 0; i < 4096; ++i) {  // the ends and splits of u, the borders of the eighths of a turn
        const auto w = philox4x32({i, 0, 0, 0}, {1, 2});
        for (const std::uint32_t radius_word :
             {i, ~i, 0x7fffffffu - i, 0x80000000u + i, 0x4afb0000u + 16 * i, 0xa57d8000u + 16 * i, w[0], w[1]}) {
            radius_words.push_back(radius_word);
            angle_words.push_back((i % 8) * 0x20000000u + (i % 2 == 0 ? i : ~i));
            radius_words.push_back(radius_word);
            angle_words.push_back(w[2]);
        }
    }
    const isize size = static_cast<isize>(radius_words.size());
    for_each_target([&] {
        std::vector<float> first(radius_words.size()), second(radius_words.size());
        DDPM_DISPATCH(box_muller_words)(radius_words.data(), angle_words.data(), first.data(), second.data(), size);
        bool same = true;
        for (std::size_t i = 0; i < radius_words.size(); ++i) {
            const normal_pair want = box_muller(radius_words[i], angle_words[i]);
            same = same && first[i] == want.first && second[i] == want.second;
        }
        CHECK(same);
    });
}

TEST_CASE("the normal kernel accepts empty batches", "[kernels]") {
    for_each_target([] {
        kernels::philox_normal(normal_draw, batch_view<float>());
        kernels::philox_normal(normal_draw, batch_view<double>(nullptr, 0, 5));
        kernels::philox_normal(normal_draw, batch_view<float>(nullptr, 5, 0));
    });
}

}  // namespace ddpm::test
