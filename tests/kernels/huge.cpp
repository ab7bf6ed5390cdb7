// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Arrays of more than 2³¹ elements, whose numbers do not fit 32 bits.

#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/kernels/detail/gaussian_kl.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/kernels/detail/layer_norm.hpp>
#include <ddpm/kernels/detail/move_towards.hpp>
#include <ddpm/kernels/detail/q_sample.hpp>
#include <ddpm/kernels/detail/squared_error.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/kernels/row_sums.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/reference_normal.hpp"
#include "support/repeated_memory.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

using view = batch_view<float>;
using const_view = batch_view<const float>;
using pointers = std::array<float*, 4>;

constexpr isize edge = isize{1} << 31;
constexpr isize tail = 1003;  // elements from 2³¹ on; no multiple of a register
constexpr isize huge_size = edge + tail;

/// Four arrays. Up to element 2³¹ each is one number again and again; from there on, and after the end too, it has
/// numbers of its own, exact in a few bits.
struct huge_arrays {
    static constexpr isize room = 1 << 14;

    void fill() {
        for (std::size_t k = 0; k < 4; ++k) {
            memory[k].fill(std::array{1.0f, 0.5f, 0.25f, 2.0f}[k]);
            for (isize i = 0; i < room; ++i) {
                const isize number = (i * 7 + static_cast<isize>(k) * 5) % 16 + 1;
                memory[k].own()[i] = static_cast<float>(number) / 8;
            }
        }
    }
    /// Array k from 2³¹ on.
    [[nodiscard]] std::vector<float> own(std::size_t k) const { return {memory[k].own(), memory[k].own() + room}; }

    std::array<repeated_memory<float>, 4> memory{{{edge, room}, {edge, room}, {edge, room}, {edge, room}}};
    pointers data{memory[0].data(), memory[1].data(), memory[2].data(), memory[3].data()};
};

/// The arrays, filled anew; null, with a warning, where they cannot be made.
huge_arrays* filled_arrays() {
    static std::string refusal;
    static const std::unique_ptr<huge_arrays> arrays = [] {
        try {
            return std::make_unique<huge_arrays>();
        } catch (const std::system_error& error) {
            refusal = error.what();
            return std::unique_ptr<huge_arrays>();
        }
    }();
    if (arrays != nullptr) {
        arrays->fill();
    } else {
        WARN("not tested: " << refusal);
    }
    return arrays.get();
}

/// Checks that run(size, arrays), which treats all elements alike, does to those from 2³¹ on what it does to the same
/// in small arrays, and nothing to what follows. If it gives a sum, each element before 2³¹ adds `term`.
template <class Run>
void check_tail(const Run& run, double term = 0) {
    if (huge_arrays* const huge = filled_arrays()) {
        std::array<std::vector<float>, 4> small{huge->own(0), huge->own(1), huge->own(2), huge->own(3)};
        const pointers p{small[0].data(), small[1].data(), small[2].data(), small[3].data()};
        if constexpr (std::is_void_v<decltype(run(tail, p))>) {
            run(tail, p);
            run(huge_size, huge->data);
        } else {
            CHECK(run(huge_size, huge->data) == term * static_cast<double>(edge) + run(tail, p));
        }
        for (std::size_t k = 0; k < 4; ++k) {
            CHECK(huge->own(k) == small[k]);
        }
    }
}

constexpr kernels::normal_address huge_address{.seed = 0xfedcba9876543210, .stream = 7, .step = 12, .sample = 5};
constexpr kernels::reverse_coefficients<float> huge_step{
    .estimate = {.x0_xt = 2, .x0_value = -1, .limit = 1.5f, .eps_value = 1}, .x0 = 0.5f, .xt = 0.25f, .sigma = 0.5f};

}  // namespace

TEST_CASE("elementwise kernels reach elements beyond 2^31", "[kernels][slow]") {
    check_tail([](isize n, const pointers& p) {
        const auto factors_of = [](isize) { return std::array{2.0f, -1.0f}; };
        kernels::linear_combination<float>({{p[0], n, 1}, {p[1], n, 1}}, factors_of, {p[2], n, 1});
    });
    check_tail([](isize n, const pointers& p) {
        kernels::linear_combination(n, {2.0f, -1.0f, 4.0f, 0.5f}, {p[0], p[1], p[2], p[3]}, p[3]);
    });
    check_tail([](isize n, const pointers& p) { kernels::detail::move_towards(n, 0.25f, p[0], p[1]); });
    check_tail([](isize n, const pointers& p) {
        kernels::detail::adam(n, p[0], p[1], p[2], p[3], {1, 1, 0, 0.9, 0.999, 1, 0.01, 1e-8});
    });
    check_tail([](isize n, const pointers& p) { kernels::exp(view(p[0], n, 1), {p[1], n, 1}); });
    check_tail([](isize n, const pointers& p) { kernels::activate<kernels::activation::silu>(n, p[0], p[1]); });
    check_tail([](isize n, const pointers& p) {
        kernels::reverse_step<float>(huge_step, {p[0], n, 1}, {p[1], n, 1}, const_view(p[2], n, 1), {}, {p[3], n, 1});
    });
}

TEST_CASE("sums count elements beyond 2^31", "[kernels][slow]") {
    check_tail([](isize n, const pointers& p) { return kernels::sum_of_squares(n, p[1]); }, 0.25);
    const auto with_gradient = [](isize n, const pointers& p) {  // 4 (2 − ½ · 1 − 2 · ½)²
        const auto terms_of = [](isize) { return kernels::detail::error_terms<float>{0.5f, 2, 4, 0.125f}; };
        return kernels::detail::squared_error<float>({p[3], n, 1}, {p[0], n, 1}, {p[1], n, 1}, terms_of, {p[2], n, 1});
    };
    check_tail(with_gradient, 1);
    const auto of_column = [](isize n, const pointers& p) {  // 2 (2 − 1)²
        double error = 0;
        kernels::detail::column_squared_errors<float>(
            {p[3], n, 1}, {p[0], n, 1}, [](isize) { return 2.0; }, &error);
        return error;
    };
    check_tail(of_column, 2);
}

TEST_CASE("the divergence of a sample counts elements beyond 2^31", "[kernels][slow]") {
    const auto divergence = [](isize n, const pointers& p) {
        float kl = 0;
        kernels::detail::gaussian_kl<float>({p[0], n, 1}, {p[2], n, 1}, {p[1], n, 1}, {p[3], n, 1}, &kl);
        return kl;
    };
    if (huge_arrays* const huge = filled_arrays()) {
        std::array<std::vector<float>, 4> small{huge->own(0), huge->own(1), huge->own(2), huge->own(3)};
        huge->memory[1].fill(1.0f);  // before 2³¹ the two Gaussians are one
        huge->memory[3].fill(0.25f);
        const float tail_alone = divergence(tail, {small[0].data(), small[1].data(), small[2].data(), small[3].data()});
        CHECK(tail_alone > 0);
        CHECK(divergence(huge_size, huge->data) == tail_alone);
    }
}

TEST_CASE("a sample is normalized beyond 2^31, and its gradient taken", "[kernels][slow]") {
    if (huge_arrays* const huge = filled_arrays()) {
        const pointers p = huge->data;
        const std::vector<float> x = huge->own(0), weight = huge->own(1), bias = huge->own(2), y_before = huge->own(3);
        const auto near = [](float a, double b) {
            return std::abs(static_cast<double>(a) - b) <= 1e-5 * (1 + std::abs(b));
        };
        huge->memory[0].fill(0);  // before 2³¹ there is nothing to sum
        double sum = 0, square = 0;
        for (std::size_t i = 0; i < tail; ++i) {
            sum += x[i];
            square += x[i] * x[i];
        }
        const double count = static_cast<double>(huge_size), mean = sum / count, eps = 1e-7;
        const double inverse = 1 / std::sqrt(square / count - mean * mean + eps);
        batch<float> moments(2, 1);
        kernels::detail::layer_norm<float>({p[0], huge_size, 1}, p[1], p[2], eps, {p[3], huge_size, 1}, moments);
        CHECK(std::abs(static_cast<double>(moments(0, 0)) / mean - 1) < 1e-5);
        CHECK(std::abs(static_cast<double>(moments(1, 0)) / inverse - 1) < 1e-5);
        const std::vector<float> y = huge->own(3);
        bool right = true;
        for (std::size_t i = 0; i < tail; ++i) {
            right = right && near(y[i], (x[i] - mean) * inverse * weight[i] + bias[i]);
        }
        CHECK(right);
        CHECK(std::equal(y.begin() + tail, y.end(), y_before.begin() + tail));

        // The gradient, with dx in dy's place and that of the bias added to the weight, which is read after that.
        huge->fill();
        huge->memory[0].fill(0);
        huge->memory[2].fill(0);
        kernels::detail::layer_norm_backward<float>({p[0], huge_size, 1}, p[1], moments, {p[2], huge_size, 1},
                                                    {p[2], huge_size, 1}, p[3], p[1]);
        const std::vector<float> dx = huge->own(2), dweight = huge->own(3), dbias = huge->own(1);
        const std::vector<float>& dy = bias;
        double sums = 0, products = 0;
        const auto scaled = [&](std::size_t i) { return static_cast<double>(dy[i]) * (weight[i] + dy[i]); };
        const auto normed = [&](std::size_t i) { return (x[i] - mean) * inverse; };
        for (std::size_t i = 0; i < tail; ++i) {
            sums += scaled(i) / count;
            products += scaled(i) * normed(i) / count;
        }
        right = true;
        for (std::size_t i = 0; i < tail; ++i) {
            // Most of the two terms cancels: the error is relative to them.
            const double expected = inverse * (scaled(i) - sums - normed(i) * products);
            const double terms = inverse * (std::abs(scaled(i)) + std::abs(normed(i) * products));
            right = right && std::abs(static_cast<double>(dx[i]) - expected) <= 1e-6 * terms &&
                    near(dweight[i], y_before[i] + dy[i] * normed(i)) && near(dbias[i], weight[i] + dy[i]);
        }
        CHECK(right);
        CHECK(std::equal(dx.begin() + tail, dx.end(), bias.begin() + tail));
        CHECK(std::equal(dweight.begin() + tail, dweight.end(), y_before.begin() + tail));
    }
}

TEST_CASE("a sample has normals beyond 2^31", "[kernels][slow]") {
    if (huge_arrays* const huge = filled_arrays()) {
        const pointers p = huge->data;
        const std::vector<float> xt = huge->own(0), value = huge->own(1);
        std::vector<float> z = xt, x0 = huge->own(2), out = huge->own(3);
        for (isize i = 0; i < tail; ++i) {
            z[static_cast<std::size_t>(i)] = reference_normal(huge_address, 0, edge + i);
        }
        kernels::reverse_step<float>(huge_step, {xt.data(), tail, 1}, {value.data(), tail, 1},
                                     const_view(z.data(), tail, 1), {x0.data(), tail, 1}, {out.data(), tail, 1});
        kernels::reverse_step<float>(huge_step, {p[0], huge_size, 1}, {p[1], huge_size, 1}, huge_address,
                                     {p[2], huge_size, 1}, {p[3], huge_size, 1});
        CHECK(huge->own(2) == x0);
        CHECK(huge->own(3) == out);
        kernels::philox_normal<float>(huge_address, {p[0], huge_size, 1});
        CHECK(huge->own(0) == z);
    }
}

TEST_CASE("q_sample reaches a sample that begins at element 2^31", "[kernels][slow]") {
    constexpr isize rows = 1024, last = edge / rows;
    if (huge_arrays* const huge = filled_arrays()) {
        const auto level_of = [](isize n) { return noise_level<float>{n == last ? 0.5f : 1, 2}; };
        const auto last_level = [&](isize) { return level_of(last); };
        const auto all = [&](std::size_t k) { return view(huge->data[k], rows, last + 1); };
        const std::vector<float> x = huge->own(0);
        std::vector<float> eps = huge->own(1), out = huge->own(2);
        kernels::detail::q_sample<float>(huge_address.later(last), {x.data(), rows, 1}, last_level,
                                         {eps.data(), rows, 1}, {out.data(), rows, 1});
        kernels::detail::q_sample<float>(huge_address, all(0), level_of, all(1), all(2));
        CHECK(huge->own(1) == eps);
        CHECK(huge->own(2) == out);
    }
}

TEST_CASE("a product has rows beyond 2^31", "[kernels][slow]") {
    set_thread_count(1);  // more would cut it into products that are not huge
    check_tail([](isize n, const pointers& p) {
        const float factor = 3;
        kernels::matrix_product<float>({p[0], n, 1}, {&factor, 1, 1}, {p[1], n, 1});
    });
    set_thread_count(0);
}

TEST_CASE("strides of columns and rows may pass 2^31", "[kernels][slow]") {
    huge_arrays* const huge = filled_arrays();
    const isize columns = GENERATE(isize{6}, isize{12});  // the widths of whole tiles of a product
    constexpr isize rows = 100;
    const isize stride = (edge + 1000) / (columns - 1);
    const auto check = [&](auto run) {
        std::array<batch<float>, 4> near;
        std::array<view, 4> v, w;
        for (std::size_t k = 0; k < 4; ++k) {
            near[k] = batch<float>::Random(rows, columns);
            v[k] = view(near[k]);
            w[k] = view(huge->data[k], rows, columns, stride);
            w[k].array() = near[k];
        }
        run(v[0], v[1], v[2], v[3]);
        run(w[0], w[1], w[2], w[3]);
        CHECK((w[2].array() == near[2]).all());
        CHECK((w[3].array() == near[3]).all());
    };
    const auto check_all = [&] {
        using kernels::matrix_of;
        check([](view, view, view, view out) { kernels::philox_normal(huge_address, out); });
        check([](view x, view, view eps, view out) {
            const auto level_of = [](isize n) { return noise_level<float>{static_cast<float>(n), 1}; };
            kernels::detail::q_sample<float>(huge_address, x, level_of, eps, out);
        });
        check([](view x, view y, view x0, view out) {
            kernels::reverse_step<float>(huge_step, x, y, huge_address, x0, out);
        });
        check([](view x, view, view, view out) { kernels::add_row_sums<float>(x, out.data()); });
        check([&](view x, view y, view, view out) {
            kernels::matrix_product(matrix_of(x), matrix_of(y.middle_rows(0, columns)), out);
        });
        check([&](view x, view y, view, view out) {
            kernels::matrix_product(matrix_of(x), matrix_of(y.middle_rows(0, columns)).transposed(), out);
        });
        check([](view x, view y, view, view out) {
            kernels::matrix_product(matrix_of(x.middle(0, 5)).transposed(), matrix_of(y), out.middle_rows(0, 5));
        });
        check([&](view x, view y, view kl, view out) {
            kernels::detail::gaussian_kl<float>(x, y, y, x, kl.data());
            kernels::detail::gaussian_kl<float>(x, y.middle_rows(0, 1), y, x.middle_rows(0, 1), out.data());
        });
        check([](view x, view y, view other, view out) {
            std::vector<float> dweight(rows), dbias(rows);
            const view moments = other.middle_rows(0, 2);
            kernels::detail::layer_norm<float>(x, y.column(0), y.column(1), 0.1, out, moments);
            kernels::detail::layer_norm_backward<float>(x, y.column(0), moments, out, out, dweight.data(),
                                                        dbias.data());
            std::copy_n(dweight.data(), rows, other.column(0));
            std::copy_n(dbias.data(), rows, other.column(1));
        });
        for (const kernels::activation f : {kernels::activation::none, kernels::activation::silu}) {
            check([f](view x, view y, view other, view out) {  // of a map with a pixel in each column
                std::vector<double> mean(rows), squares(rows);
                kernels::detail::channel_moments<float>(x, mean.data(), squares.data());
                for (isize c = 0; c < rows; ++c) {
                    other(c, 0) = static_cast<float>(mean[static_cast<std::size_t>(c)]);
                    other(c, 1) = static_cast<float>(squares[static_cast<std::size_t>(c)]);
                }
                kernels::detail::scale_shift<float>(x, y.column(0), y.column(1), f, out);
            });
            check([f](view x, view y, view other, view out) {
                std::vector<double> sums(rows), products(rows);
                other.array() = y.array();
                kernels::detail::scale_shift_sums<float>(x, y.column(0), y.column(1), f, other, sums.data(),
                                                         products.data());
                kernels::detail::channel_combination<float>(other, x, y.column(0), y.column(1), y.column(2), out);
                for (isize c = 0; c < rows; ++c) {
                    other(c, 0) = static_cast<float>(sums[static_cast<std::size_t>(c)]);
                    other(c, 1) = static_cast<float>(products[static_cast<std::size_t>(c)]);
                }
            });
        }
    };
    if (huge != nullptr) {
        for_each_target(check_all);
    }
}

}  // namespace ddpm::test
