// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/attention_row.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/kernels/detail/layer_norm.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/read_pixels.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#include "kernels/differential/cases.hpp"
#include "support/activation.hpp"
#include "support/stored_number.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

/// The promise of matrix_product, word for word: chains of product_chain with k ascending, fused on every set that has it,
/// are added to the sum one after the other. Unless `accumulate`, the first begins at `start`, and the sum is what it gives.
template <class S>
S sum_of_chains(const S* a, isize a_step, const S* b, isize b_step, isize depth, S start, bool accumulate, bool fused) {
    S sum = start;
    for (isize first = 0; first < depth; first += kernels::detail::product_chain) {
        S chain = first == 0 && !accumulate ? start : S{};
        for (isize k = first; k < std::min(depth, first + kernels::detail::product_chain); ++k) {
            const S x = a[k * a_step], y = b[k * b_step];
            chain = fused ? std::fma(x, y, chain) : rounded(x, y) + chain;
        }
        sum = first == 0 && !accumulate ? chain : sum + chain;
    }
    return sum;
}

template <class S>
void products(number_source& from, comparison& to) {
    const isize rows = from.size(70), columns = from.size(40), depth = from.one_in(8) ? from.size(420) : from.size(40);
    const bool a_by_rows = from.one_in(2), b_by_rows = from.one_in(2), accumulate = from.one_in(3),
               has_bias = !accumulate && from.one_in(2);
    const isize a_step = (a_by_rows ? depth : rows) + from.below(4),
                b_step = (b_by_rows ? columns : depth) + from.below(4), c_step = rows + from.below(4);
    const guarded_array<S> a(from, a_step * (a_by_rows ? rows : depth), true),
        b(from, b_step * (b_by_rows ? depth : columns), true), bias(from, rows), before(from, c_step * columns);
    const kernels::matrix_ref<S> a_ref{a.data(), rows, depth, a_by_rows ? a_step : 1, a_by_rows ? 1 : a_step};
    const kernels::matrix_ref<S> b_ref{b.data(), depth, columns, b_by_rows ? b_step : 1, b_by_rows ? 1 : b_step};
    const auto expected_with = [&](bool fused) {
        guarded_array<S> expected = before;
        for (isize j = 0; j < columns; ++j) {
            for (isize i = 0; i < rows; ++i) {
                S& sum = expected[j * c_step + i];
                sum = sum_of_chains(a_ref.data + i * a_ref.row_stride, a_ref.column_stride,
                                    b_ref.data + j * b_ref.column_stride, b_ref.row_stride, depth,
                                    accumulate ? sum
                                    : has_bias ? bias[i]
                                               : S(0),
                                    accumulate, fused);
            }
        }
        return expected;
    };
    const guarded_array<S> fused = expected_with(true), plain = expected_with(false);
    on_each_set([&] {
        guarded_array<S> c = before;
        kernels::matrix_product<S>(a_ref, b_ref, batch_view<S>(c.data(), rows, columns, c_step),
                                   {has_bias ? bias.data() : nullptr, accumulate});
        to.equal(c, simd_target() == instruction_set::baseline ? plain : fused, "matrix product");
    });
}

template <class W, class X>
void packed_product_of(number_source& from, comparison& to) {
    using namespace kernels::detail;
    const isize pixels = packed_pixels * (1 + from.below(9)), depth = packed_depth<W> * (1 + from.below(3)),
                count = 1 + from.below(3), pixel = depth + packed_step<W> * from.below(4),
                sums_pixel = packed_outputs + from.below(4);
    std::vector<isize> segments;
    for (isize s = 0; s < count; ++s) {
        segments.push_back(pixel * from.below(4));
    }
    guarded_array<X> x(from, (pixels + packed_beyond + 4) * pixel);
    const guarded_array<W> weights(from, count * depth * packed_outputs);
    if constexpr (std::is_same_v<W, bfloat16> && std::is_same_v<X, float>) {
        for (isize i = 0; i < x.size(); ++i) {
            x[i] = to_float(to_bfloat16(x[i]));
        }
    }
    guarded_array<float> sums(from, (pixels + packed_beyond) * sums_pixel);
    packed_product_body<W>()(
        {x.data(), pixel, segments.data(), count, depth, weights.data(), sums.data(), sums_pixel, pixels});
    to.require(sums.guarded(), "packed product");
    for (isize p = 0; p < pixels; ++p) {
        for (isize o = 0; o < packed_outputs; ++o) {
            double sum = 0, size = 0;
            for (isize s = 0; s < count; ++s) {
                for (isize k = 0; k < depth; ++k) {
                    constexpr isize step = packed_step<W>;
                    const isize weight = ((s * depth + k) / step * packed_outputs + o) * step + k % step;
                    const double product =
                        static_cast<double>(number(weights[weight])) *
                        static_cast<double>(number(x[p * pixel + segments[static_cast<std::size_t>(s)] + k]));
                    sum += product;
                    size += std::abs(product);
                }
            }
            constexpr double epsilon = std::numeric_limits<float>::epsilon();
            to.within<double>(static_cast<double>(sums[p * sums_pixel + o]), sum, epsilon * size, 8, "packed product");
        }
    }
}

void packed_products(number_source& from, comparison& to) {
    const bool narrow = from.one_in(2);
    for (const instruction_set set : all_instruction_sets) {
        if (!is_supported(set)) {
            continue;
        }
        const ddpm::detail::scoped_simd_target on(set);
        if (!narrow) {
            packed_product_of<float, float>(from, to);
        } else if (kernels::detail::takes_pairs()) {
            packed_product_of<bfloat16, bfloat16>(from, to);
        } else {
            packed_product_of<bfloat16, float>(from, to);
        }
    }
}

template <class T>
void stored_block(number_source& from, comparison& to) {
    constexpr isize width = 32;
    const isize rows = 1 + from.below(3), pixels = 1 + from.below(20), outputs = 1 + from.below(width),
                sums_row = pixels + from.below(3), out_pixel = width + from.below(4),
                out_row = pixels * out_pixel + from.below(4);
    const bool adds = from.one_in(2), measures = from.one_in(2);
    const float factor = from.ordinary<float>();
    const guarded_array<float> sums(from, rows * sums_row * width), bias(from, width);
    const guarded_array<T> added(from, rows * out_row), before(from, rows * out_row);
    guarded_array<T> expected = before;
    for (isize r = 0; r < rows; ++r) {
        for (isize p = 0; p < pixels; ++p) {
            for (isize o = 0; o < outputs; ++o) {
                const isize place = r * out_row + p * out_pixel + o;
                const float sum = sums[(r * sums_row + p) * width + o] + bias[o];
                expected[place] = stored_as<T>(rounded(adds ? sum + number(added[place]) : sum, factor));
            }
        }
    }
    on_each_set([&] {
        guarded_array<T> out = before;
        guarded_array<float> moments(from, 2 * width);
        kernels::detail::store_block_body<T>()({sums.data(), rows, sums_row, pixels, outputs, bias.data(),
                                                adds ? added.data() : nullptr, factor, out.data(), out_pixel, out_row,
                                                measures ? moments.data() : nullptr});
        to.equal(out, expected, "stored block");
        to.require(moments.guarded(), "moments of a block");
        for (isize o = 0; o < outputs && measures; ++o) {
            const auto value = [&](isize i) {
                return static_cast<double>(number(expected[i / pixels * out_row + i % pixels * out_pixel + o]));
            };
            double mean = 0, squares = 0, largest = 0;
            for (isize i = 0; i < rows * pixels; ++i) {
                mean += value(i) / static_cast<double>(rows * pixels);
                largest = std::max(largest, std::abs(value(i)));
            }
            for (isize i = 0; i < rows * pixels; ++i) {
                squares += (value(i) - mean) * (value(i) - mean);
            }
            // The sums are of differences from the first value.
            constexpr double epsilon = std::numeric_limits<float>::epsilon();
            const double apart = squares + static_cast<double>(rows * pixels) * (value(0) - mean) * (value(0) - mean);
            to.within<double>(static_cast<double>(moments[o]), mean, epsilon * largest, 8, "mean of a block");
            to.within<double>(static_cast<double>(moments[width + o]), squares,
                              epsilon * (apart + static_cast<double>(rows * pixels) * epsilon * largest * largest), 16,
                              "squares of a block");
        }
    });
}

void stored_blocks(number_source& from, comparison& to) {
    from.one_in(2) ? stored_block<float>(from, to) : stored_block<bfloat16>(from, to);
}

template <class T, class X>
void read_pixels_of(number_source& from, comparison& to) {
    using kernels::activation;
    const isize pixels = from.below(12), channels = 1 + from.size(100), from_pixel = channels + from.below(4),
                first = from.below(6), chunk = 1 + from.size(70), copies = 1 + from.below(2);
    const bool scales = from.one_in(2);
    const activation f = every_activation[static_cast<std::size_t>(from.below(5))];
    const isize chunks = (first + channels + chunk - 1) / chunk, to_pixel = chunk + from.below(3),
                to_chunk = pixels * copies * to_pixel + from.below(4);
    const guarded_array<T> x(from, pixels * from_pixel);
    const guarded_array<float> a(from, channels), b(from, channels);
    const guarded_array<X> before(from, chunks * to_chunk);
    on_each_set([&] {
        guarded_array<X> out = before;
        kernels::detail::read_pixels<T, X>(
            {x.data(), from_pixel, pixels, channels, scales ? a.data() : nullptr, scales ? b.data() : nullptr,
             out.data(), first, chunk, to_chunk, to_pixel, copies},
            f);
        guarded_array<X> rest = before;  // the written elements put back: nothing else may have changed
        to.require(out.guarded(), "pixels");
        for (isize p = 0; p < pixels; ++p) {
            for (isize c = 0; c < channels; ++c) {
                const auto value = static_cast<double>(number(x[p * from_pixel + c]));
                const double scale = static_cast<double>(a[c]), shift = static_cast<double>(b[c]);
                const double u = scales ? scale * value + shift : value, exact = exact_at(f, u).value;
                const double size = scales ? std::abs(scale * value) + std::abs(shift) : std::abs(value);
                for (isize copy = 0; copy < copies; ++copy) {
                    const isize k = first + c, at = k / chunk * to_chunk + (p * copies + copy) * to_pixel + k % chunk;
                    const auto got = static_cast<double>(number(out[at]));
                    // Half a unit of what T holds and the error of the activation, of 3e-6 in float.
                    const double unit = std::is_same_v<T, bfloat16> ? 0.0045 * std::abs(exact) + 2e-6 * size
                                                                    : 3e-6 * std::abs(exact) + 1e-6 * size;
                    to.within<double>(got, exact, unit, 1, "pixel");
                    if (std::is_same_v<T, bfloat16>) {
                        to.require(number(out[at]) == to_float(to_bfloat16(number(out[at]))), "a pixel of bfloat16");
                    }
                    rest[at] = out[at];
                }
            }
        }
        to.equal(out, rest, "what is no pixel");
    });
}

void pixels_read(number_source& from, comparison& to) {
    switch (from.below(3)) {
        case 0:
            return read_pixels_of<float, float>(from, to);
        case 1:
            return read_pixels_of<bfloat16, bfloat16>(from, to);
        default:
            return read_pixels_of<bfloat16, float>(from, to);
    }
}

template <class T, class X>
void shares_of(number_source& from, comparison& to) {
    const isize size = 1 + from.size();
    const float scale = std::abs(from.ordinary<float>());
    const guarded_array<float> scores(from, size);
    const double largest = static_cast<double>(*std::max_element(scores.data(), scores.data() + size));
    double sum = 0;
    for (isize i = 0; i < size; ++i) {
        sum += std::exp(static_cast<double>(scale) * (static_cast<double>(scores[i]) - largest));
    }
    on_each_set([&] {
        guarded_array<float> changed = scores;
        guarded_array<X> shares(from, size);
        kernels::detail::find_shares<T>(size, scale, changed.data(), shares.data());
        to.require(shares.guarded() && changed.guarded(), "shares");
        for (isize i = 0; i < size; ++i) {
            const double exponent = static_cast<double>(scale) * (static_cast<double>(scores[i]) - largest);
            const double exact = std::exp(exponent) / sum;
            const double unit = std::is_same_v<T, bfloat16> ? 0.0045 * exact : 1.2e-7 * exact * (4 - exponent);
            to.within<double>(static_cast<double>(number(shares[i])), exact, unit, std::is_same_v<T, bfloat16> ? 1 : 4,
                              "share");
        }
    });
}

void attention_rows(number_source& from, comparison& to) {
    if (from.one_in(3)) {
        shares_of<float, float>(from, to);
    } else {
        from.one_in(2) ? shares_of<bfloat16, bfloat16>(from, to) : shares_of<bfloat16, float>(from, to);
    }
    const isize size = from.size();
    const guarded_array<bfloat16> even(from, size, true), odd(from, size, true);
    guarded_array<bfloat16> expected(from, 2 * size);
    for (isize i = 0; i < 2 * size; ++i) {
        expected[i] = (i % 2 == 0 ? even : odd)[i / 2];
    }
    on_each_set([&] {
        guarded_array<bfloat16> pairs(from, 2 * size);
        kernels::detail::interleave(size, even.data(), odd.data(), pairs.data());
        to.equal(pairs, expected, "interleaved numbers");
    });
}

template <class S>
void group_norms(number_source& from, comparison& to) {
    using kernels::activation;
    const isize channels = from.size(140), pixels = 1 + from.below(12), stride = channels + from.below(4);
    const activation f = every_activation[static_cast<std::size_t>(from.below(5))];
    const guarded_array<S> x(from, stride * pixels), dy(from, stride * pixels), before(from, stride * pixels),
        a(from, channels), b(from, channels), r(from, channels);
    const auto view = [&](const guarded_array<S>& of) {
        return batch_view<const S>(of.data(), channels, pixels, stride);
    };
    const auto target = [&](guarded_array<S>& of) { return batch_view<S>(of.data(), channels, pixels, stride); };
    constexpr long double epsilon = std::numeric_limits<S>::epsilon(), tiny = std::numeric_limits<double>::epsilon();
    on_each_set([&] {
        guarded_array<double> mean(from, channels), squares(from, channels), sums(from, channels),
            products(from, channels);
        guarded_array<S> y = before, got = dy, combined = before;
        kernels::detail::channel_moments<S>(view(x), mean.data(), squares.data());
        kernels::detail::scale_shift<S>(view(x), a.data(), b.data(), f, target(y));
        kernels::detail::scale_shift_sums<S>(view(x), a.data(), b.data(), f, target(got), sums.data(), products.data());
        kernels::detail::channel_combination<S>(view(dy), view(x), a.data(), b.data(), r.data(), target(combined));
        to.require(mean.guarded() && squares.guarded() && sums.guarded() && products.guarded() && y.guarded() &&
                       got.guarded() && combined.guarded(),
                   "group_norm");
        for (isize c = 0; c < channels; ++c) {
            long double exact_mean = 0, exact_squares = 0, sum = 0, product = 0, sum_size = 0, product_size = 0;
            for (isize n = 0; n < pixels; ++n) {
                exact_mean += static_cast<long double>(x[n * stride + c]) / static_cast<long double>(pixels);
            }
            for (isize n = 0; n < pixels; ++n) {
                const long double at = x[n * stride + c], d = dy[n * stride + c], u = a[c] * at + b[c];
                const long double size = std::abs(a[c] * at) + std::abs(b[c]);
                exact_squares += (at - exact_mean) * (at - exact_mean);
                const exact_activation<long double> exact = exact_at<long double>(f, u);
                to.within<long double>(y[n * stride + c], exact.value, epsilon * (size + std::abs(exact.value)), 6,
                                       "scale_shift");
                // relu has no slope where rounding decides the sign of u.
                if (f != activation::relu || std::abs(u) > 4 * epsilon * size) {
                    to.within<long double>(got[n * stride + c], d * exact.slope, epsilon * std::abs(d) * (1 + size), 4,
                                           "gradient of scale_shift");
                }
                to.within<long double>(combined[n * stride + c], a[c] * d + b[c] * at + r[c],
                                       epsilon * (std::abs(a[c] * d) + std::abs(b[c] * at) + std::abs(r[c])), 2,
                                       "channel_combination");
                // The sums are of du as it was rounded.
                sum += got[n * stride + c];
                product += got[n * stride + c] * at;
                sum_size += std::abs(got[n * stride + c]);
                product_size += std::abs(got[n * stride + c] * at);
            }
            const auto count = static_cast<long double>(pixels);
            to.within<long double>(mean[c], exact_mean, count * tiny * 4, 1, "mean of a channel");
            to.within<long double>(squares[c], exact_squares, count * tiny * (exact_squares + 16), 4,
                                   "squares of a channel");
            to.within<long double>(sums[c], sum, count * tiny * (sum_size + 1e-300L), 1, "sum of a channel");
            to.within<long double>(products[c], product, count * tiny * (product_size + 1e-300L), 1,
                                   "products of a channel");
        }
        for (isize i = 0; i < before.size(); ++i) {
            if (i % stride >= channels) {
                to.equal(y[i], before[i], "beside the channels");
                to.equal(got[i], dy[i], "beside the channels");
                to.equal(combined[i], before[i], "beside the channels");
            }
        }
    });
}

template <class S>
void layer_norms(number_source& from, comparison& to) {
    const isize rows = 2 + from.size(200), columns = 1 + from.below(4);
    constexpr double eps = 1e-5;
    const guarded_array<S> x(from, rows * columns), dy(from, rows * columns), weight(from, rows), bias(from, rows);
    const auto view = [&](const guarded_array<S>& of) { return batch_view<const S>(of.data(), rows, columns); };
    const auto target = [&](guarded_array<S>& of) { return batch_view<S>(of.data(), rows, columns); };
    constexpr long double epsilon = std::numeric_limits<S>::epsilon();
    on_each_set([&] {
        guarded_array<S> y(from, rows * columns), dx(from, rows * columns), moments(from, 2 * columns),
            dweight(from, rows), dbias(from, rows);
        const guarded_array<S> weight_before = dweight, bias_before = dbias;
        const batch_view<S> of_columns(moments.data(), 2, columns);
        kernels::detail::layer_norm<S>(view(x), weight.data(), bias.data(), eps, target(y), of_columns);
        kernels::detail::layer_norm_backward<S>(view(x), weight.data(), of_columns, view(dy), target(dx),
                                                dweight.data(), dbias.data());
        to.require(y.guarded() && dx.guarded() && moments.guarded() && dweight.guarded() && dbias.guarded(),
                   "layer_norm");
        std::vector<long double> exact_dweight, exact_dbias, size_dweight, size_dbias;
        for (isize i = 0; i < rows; ++i) {
            exact_dweight.push_back(weight_before[i]);
            exact_dbias.push_back(bias_before[i]);
            size_dweight.push_back(std::abs(weight_before[i]));
            size_dbias.push_back(std::abs(bias_before[i]));
        }
        const auto count = static_cast<long double>(rows);
        for (isize n = 0; n < columns; ++n) {
            const S *const xn = x.data() + n * rows, *const dyn = dy.data() + n * rows;
            long double mean = 0, variance = 0, largest = 0;
            for (isize i = 0; i < rows; ++i) {
                mean += xn[i] / count;
                largest = std::max<long double>(largest, std::abs(xn[i]));
            }
            for (isize i = 0; i < rows; ++i) {
                variance += (xn[i] - mean) * (xn[i] - mean) / count;
            }
            const long double deviation = std::sqrt(variance + static_cast<long double>(eps));
            long double mean_g = 0, mean_gz = 0, size_g = 0, size_gz = 0;
            for (isize i = 0; i < rows; ++i) {
                const long double z = (xn[i] - mean) / deviation, g = static_cast<long double>(dyn[i]) * weight[i];
                mean_g += g / count;
                mean_gz += g * z / count;
                size_g += std::abs(g) / count;
                size_gz += std::abs(g * z) / count;
            }
            // The error of the mean, in deviations, counts for each normalized element.
            const long double off = largest / deviation;
            for (isize i = 0; i < rows; ++i) {
                const auto at = static_cast<std::size_t>(i);
                const long double z = (xn[i] - mean) / deviation, g = static_cast<long double>(dyn[i]) * weight[i];
                to.within<long double>(y[n * rows + i], z * weight[i] + bias[i],
                                       epsilon * (std::abs(weight[i]) * (std::abs(z) + off) + std::abs(bias[i])), 16,
                                       "layer_norm");
                const long double size =
                    std::abs(g) + size_g + (std::abs(z) + off) * size_gz + std::abs(z) * off * size_g;
                to.within<long double>(dx[n * rows + i], (g - mean_g - z * mean_gz) / deviation,
                                       epsilon * size / deviation, 16, "gradient of layer_norm");
                exact_dweight[at] += dyn[i] * z;
                exact_dbias[at] += dyn[i];
                size_dweight[at] += std::abs(dyn[i]) * (std::abs(z) + off);
                size_dbias[at] += std::abs(dyn[i]);
            }
        }
        for (isize i = 0; i < rows; ++i) {
            const auto at = static_cast<std::size_t>(i);
            to.within<long double>(dweight[i], exact_dweight[at], epsilon * size_dweight[at], 16,
                                   "gradient of the weight");
            to.within<long double>(dbias[i], exact_dbias[at], epsilon * size_dbias[at], 4, "gradient of the bias");
        }
    });
}

constexpr kernel_case network_cases[] = {
    {"matrix_product.hpp", "equal bits", DDPM_EITHER_SCALAR(products)},
    {"detail/packed_product.hpp", "8 epsilon of the products' absolute values", packed_products},
    {"detail/store_block.hpp", "equal bits; moments 8 and 16 epsilon", stored_blocks},
    {"detail/read_pixels.hpp", "3e-6, in bfloat16 0.0045, of the value", pixels_read},
    {"detail/attention_row.hpp", "16 epsilon and 4 for each unit of the exponent, in bfloat16 0.0045", attention_rows},
    {"detail/group_norm.hpp", "2 to 6 epsilon of the terms; sums one epsilon of double for each pixel",
     DDPM_EITHER_SCALAR(group_norms)},
    {"detail/layer_norm.hpp", "16 epsilon of the terms", DDPM_EITHER_SCALAR(layer_norms)},
};

}  // namespace

std::span<const kernel_case> network_kernels() { return network_cases; }

}  // namespace ddpm::test
