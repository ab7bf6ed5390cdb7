// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/target.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/inference/detail/packed_attention.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/stored_number.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

std::size_t place(isize i) { return static_cast<std::size_t>(i); }

/// softmax(q kᵀ / √d) v of one query of one head, whose elements are q, k and v after another for each token.
template <class T>
std::vector<double> attended_query(const std::vector<T>& qkv, isize channels, isize heads, isize tokens, isize n,
                                   isize head, isize query) {
    const isize d = channels / heads;
    const auto at = [&](isize which, isize token, isize i) {
        const isize index = ((n * tokens + token) * 3 + which) * channels + head * d + i;
        return static_cast<double>(number(qkv[place(index)]));
    };
    std::vector<double> scores(place(tokens)), result(place(d));
    for (isize key = 0; key < tokens; ++key) {
        for (isize i = 0; i < d; ++i) {
            scores[place(key)] += at(0, query, i) * at(1, key, i) / std::sqrt(static_cast<double>(d));
        }
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& score : scores) {
        score = std::exp(score - largest);
        sum += score;
    }
    for (isize key = 0; key < tokens; ++key) {
        for (isize i = 0; i < d; ++i) {
            result[place(i)] += scores[place(key)] / sum * at(2, key, i);
        }
    }
    return result;
}

template <class T>
void check_attention(isize channels, isize heads, isize tokens, isize samples, isize every = 1) {
    CAPTURE(channels, heads, tokens, samples);
    std::vector<T> qkv(place(3 * channels * tokens * samples));
    for (std::size_t i = 0; i < qkv.size(); ++i) {
        qkv[i] = stored_as<T>(static_cast<float>(1.5 * std::sin(static_cast<double>(i * i % 10007) * 0.37)));
    }
    const nn::detail::packed_attention<T> attention(channels, heads);
    set_thread_count(1);
    // Neither what was there before matters, nor what follows in the packed memory.
    const T none = stored_as<T>(std::numeric_limits<float>::quiet_NaN());
    std::vector<T> out(place(channels * tokens * samples), none);
    std::vector<T> packed(place(attention.packed_length(tokens, samples)), none);
    const nn::detail::stored_map<T> in{qkv.data(), 3 * channels, tokens, 1, samples};
    const nn::detail::stored_map<T> to{out.data(), channels, tokens, 1, samples};
    attention.forward(in, to, packed.data());
    const isize d = channels / heads;
    for (isize n = 0; n < samples; ++n) {
        for (isize head = 0; head < heads; ++head) {
            for (isize query = 0; query < tokens; query += every) {
                const auto expected = attended_query(qkv, channels, heads, tokens, n, head, query);
                for (isize i = 0; i < d; ++i) {
                    const T got = out[place((n * tokens + query) * channels + head * d + i)];
                    REQUIRE(std::abs(static_cast<double>(number(got)) - expected[place(i)]) <
                            (std::is_same_v<T, bfloat16> ? 0.01 : 2e-6));
                }
            }
        }
    }
    // The bits depend neither on the threads nor on the batch.
    const std::vector<T> before = out;
    const auto same = [](T a, T b) { return number(a) == number(b); };
    std::fill(out.begin(), out.end(), none);
    set_thread_count(3);
    attention.forward(in, to, packed.data());
    CHECK(std::equal(out.begin(), out.end(), before.begin(), same));
    std::fill(out.begin(), out.end(), none);
    attention.forward({qkv.data(), 3 * channels, tokens, 1, 1}, {out.data(), channels, tokens, 1, 1}, packed.data());
    CHECK(std::equal(out.begin(), out.begin() + channels * tokens, before.begin(), same));
    set_thread_count(0);
}

}  // namespace

TEMPLATE_TEST_CASE("packed attention is that of its definition, on every target", "[nn]", float, bfloat16) {
    for_each_instruction_set([&] {
        check_attention<TestType>(32, 1, 64, 1);
        check_attention<TestType>(64, 2, 32, 3);
        check_attention<TestType>(24, 3, 35, 2);
        check_attention<TestType>(15, 3, 9, 1);
        check_attention<TestType>(7, 1, 1, 2);
        check_attention<TestType>(40, 1, 101, 1);
        check_attention<TestType>(8, 1, 2100, 1, 97);
    });
}

}  // namespace ddpm::test
