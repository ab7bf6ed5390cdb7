// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Calls a kernel: kernel_calls NAME COUNT. Without arguments it prints the names. valgrind counts what call_counted calls;
// the first call, which sets up scratch memory and static variables, is made before.
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/kernels/detail/attention_row.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/read_pixels.hpp>
#include <ddpm/kernels/detail/softmax.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string_view>

namespace {

using namespace ddpm;

constexpr isize rows = 1024, columns = 16, size = rows * columns;

// The problems of convolutions and normalizations: a row of pixels, which is cut into Winograd's tiles of 4 × 4 outputs.
constexpr isize pixels = 64, channels = 64, tiles = pixels / 4, panel = kernels::detail::packed_outputs;

struct kernel {
    const char* name;
    std::function<void()> call;
};

/// Transforms a row of tiles from rows of pixels that lie one after another.
template <class Problem>
void transform_tiles(const float* from, float* to) {
    Problem problem{};
    for (const float*& row : problem.rows) {
        row = from;
        from += (pixels + 2) * channels;
    }
    problem.pixel = problem.channels = problem.to_tile = channels;
    problem.tiles = tiles;
    problem.to = to;
    problem.to_place = tiles * channels;
    kernels::detail::transform(problem);
}

[[gnu::noinline]] void call_counted(const kernel& one, int count) {
    for (int i = 0; i < count; ++i) {
        one.call();
    }
}

}  // namespace

int main(int count, char** arguments) {
    set_thread_count(1);
    const philox_noise noise(1, noise_stream::sampler);
    const auto normals = [&](isize d, isize n) {
        batch<float> out(d, n);
        noise.normal<float>(out, 0);
        return out;
    };
    const batch<float> x = normals(rows, columns), y = normals(rows, columns), a = normals(128, 128),
                       b = normals(128, 128);
    batch<float> out(rows, columns), c(128, 128), p = x, m = x, v = x.square();
    const batch<float> map = normals(channels, 2048), factors = normals(channels, 3);
    batch<float> result(channels, 2048), dy = normals(channels, pixels);
    const batch_view<const float> image = batch_view<const float>(map).middle(0, pixels);
    const batch_view<float> out_image = batch_view<float>(result).middle(0, pixels), d_image(dy);
    const float* const factor = factors.data();
    const kernels::detail::adam_coefficients usual_adam{1, 1, 0, 0.9, 0.999, 1, 1e-3, 1e-8};
    const isize segments[]{0, channels, 2 * channels};
    std::array<double, channels> mean{}, squares{};
    const noise_schedule schedule{linear_beta{}, 1000};
    const auto half = [](batch_view<const float> xt, std::span<const double>, const model_output<float>& to) {
        to.prediction.array() = 0.5f * xt.array();
    };
    const sampling_plan plan = make_plan(ancestral{}, schedule, make_timesteps(1000, 100));
    philox_noise sampler_noise(1, noise_stream::sampler);
    sampling_run<float, decltype(half), philox_noise> run(plan, half, sampler_noise, x);

    const kernel kernels[]{
        {"exp", [&] { kernels::exp(size, x.data(), out.data()); }},
        {"silu", [&] { kernels::activate<kernels::activation::silu>(size, x.data(), out.data()); }},
        {"softmax", [&] { kernels::detail::softmax<float>(size, 0.1f, x.data(), out.data()); }},
        {"linear_combination",
         [&] {
             kernels::linear_combination(size, {0.5f, 0.25f}, {x.data(), y.data()}, out.data());
         }},
        {"matrix_product",
         [&] {
             kernels::matrix_product<float>(kernels::matrix_of(batch_view<const float>(a)),
                                            kernels::matrix_of(batch_view<const float>(b)), c);
         }},
        {"philox_normal", [&] { noise.normal<float>(out, 1); }},
        {"q_sample", [&] { q_sample(schedule, x, 500, y, batch_view<float>(out)); }},
        {"q_sample_fresh", [&] { q_sample(schedule, x, 500, fresh_noise{noise}, batch_view<float>(out)); }},
        {"reverse_step", [&] { run.step(); }},
        {"adam", [&] { kernels::detail::adam(size, p.data(), x.data(), m.data(), v.data(), usual_adam); }},
        {"attention_row", [&] { kernels::detail::find_shares<float>(rows, 0.1f, out.data(), p.data()); }},
        {"group_norm",
         [&] {
             kernels::detail::channel_moments(image, mean.data(), squares.data());
             kernels::detail::scale_shift(image, factor, factor + channels, kernels::activation::silu, out_image);
         }},
        {"group_norm_backward",
         [&] {
             kernels::detail::scale_shift_sums(image, factor, factor + channels, kernels::activation::silu, d_image,
                                               mean.data(), squares.data());
             kernels::detail::channel_combination<float>(d_image, image, factor, factor + channels,
                                                         factor + 2 * channels, out_image);
         }},
        {"packed_product",
         [&] {
             kernels::detail::packed_product_body<float>()(
                 {map.data(), channels, segments, 3, channels, x.data(), result.data(), panel, pixels});
         }},
        {"read_pixels",
         [&] {
             kernels::detail::read_pixels<float, float>({map.data(), channels, pixels, channels, factor,
                                                         factor + channels, result.data(), 0, channels, 0, channels, 1},
                                                        kernels::activation::silu);
         }},
        {"store_block",
         [&] {
             kernels::detail::store_block_body<float>()({map.data(), 4, pixels, pixels, panel, factor, nullptr, 1,
                                                         result.data(), panel, pixels * panel, out.data()});
         }},
        {"winograd_inputs", [&] { transform_tiles<kernels::detail::winograd_input<4>>(map.data(), result.data()); }},
        {"winograd_outputs",
         [&] {
             kernels::detail::transform(
                 kernels::detail::winograd_output<4>{map.data(), tiles * panel, tiles, result.data(), pixels, false});
         }},
        {"winograd_filters",
         [&] {
             kernels::detail::transform(kernels::detail::winograd_filter<4, float>{
                 {0.25f, 0.5f, 1}, map.data(), channels * panel, panel, channels, result.data(), channels * panel});
         }},
        {"winograd_gradients",
         [&] { transform_tiles<kernels::detail::winograd_gradient<4>>(map.data(), result.data()); }},
        {"winograd_filter_gradients",
         [&] {
             kernels::detail::transform(kernels::detail::winograd_filter_gradient<4>{
                 map.data(), channels * panel, channels * panel, result.data(), channels * panel});
         }},
    };
    if (count < 3) {
        for (const kernel& one : kernels) {
            std::puts(one.name);
        }
        return 0;
    }
    for (const kernel& one : kernels) {
        if (std::string_view(one.name) == arguments[1]) {
            one.call();
            call_counted(one, std::atoi(arguments[2]));
            return 0;
        }
    }
    std::fprintf(stderr, "no kernel of that name\n");
    return 2;
}
