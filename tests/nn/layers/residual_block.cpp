// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/error.hpp>
#include <ddpm/nn/layers/residual_block.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace ddpm::test {

namespace {

/// One block on one batch, and the loss Σ out · dout.
struct residual_run {
    static nn::feature_map<double> map_of(batch<double>& of, ddpm::isize h, ddpm::isize w) {
        return {of.data(), of.rows(), h, w, samples};
    }
    static nn::feature_map<const double> map_of(const batch<double>& of, ddpm::isize h, ddpm::isize w) {
        return {of.data(), of.rows(), h, w, samples};
    }

    explicit residual_run(const nn::residual_block_options& options)
        : block(options),
          x(random_batch(options.inputs, height * width * samples, 2)),
          emb(random_batch(options.embedding, samples, 3)),
          dout(random_batch(options.outputs, block.resized(height) * block.resized(width) * samples, 4)),
          out(dout.rows(), dout.cols()),
          d(nn::zeros_like(block)) {
        disturb(block, 0.3, 1);
        a.drop.rate = 0.25;
        a.address = {.seed = 6, .step = 1};
    }

    double loss() {
        const auto scope = memory.scope();
        return forward_loss();
    }

    /// Into dx and d, and to demb.
    void backward() { backward(dx, demb, d); }
    void backward(batch<double>& to_dx, batch<double>& to_demb, nn::residual_block<double>& to_d) {
        static_cast<void>(forward_loss());
        block.backward(map_of(x, height, width), emb, a, map_of(dout, block.resized(height), block.resized(width)),
                       map_of(to_dx, height, width), to_demb, to_d, memory);
    }

    static constexpr ddpm::isize height = 4, width = 5, samples = 2;
    nn::residual_block<double> block;
    batch<double> x, emb, dout, out;
    batch<double> dx = batch<double>::Constant(x.rows(), x.cols(), 9);
    batch<double> demb = batch<double>::Constant(emb.rows(), emb.cols(), 2);
    nn::residual_block<double> d;
    nn::residual_block<double>::activations a;
    nn::arena<double> memory;

private:
    double forward_loss() {
        block.forward(map_of(std::as_const(x), height, width), emb, a,
                      map_of(out, block.resized(height), block.resized(width)), memory);
        return (out * dout).sum();
    }
};

}  // namespace

TEST_CASE("a residual block's gradients are the central differences, and those of its parameters add up", "[nn]") {
    nn::residual_block_options options{.inputs = 4, .outputs = 4, .embedding = 3, .groups = 2};
    options.outputs = GENERATE(ddpm::isize{4}, ddpm::isize{6});
    options.scale_shift = GENERATE(false, true);
    options.rescale = GENERATE(1.0, 1.5);
    options.resample = GENERATE(nn::resampling::none, nn::resampling::down, nn::resampling::up);
    options.act = GENERATE(nn::activation::silu, nn::activation::mish, nn::activation::gelu);
    residual_run run(options);
    run.backward();
    nn::residual_block<double> d_twice = run.d;
    batch<double> dx_again(run.x.rows(), run.x.cols()), demb_twice = run.demb;
    run.backward(dx_again, demb_twice, d_twice);
    CHECK((dx_again == run.dx).all());
    {
        residual_run in_place(options);
        in_place.backward(in_place.x, in_place.demb, in_place.d);
        CHECK((in_place.x == run.dx).all());
        CHECK((in_place.demb == run.demb).all());
        const auto mine = nn::parameters(in_place.d), theirs = nn::parameters(run.d);
        for (std::size_t p = 0; p < mine.size(); ++p) {
            CHECK(std::ranges::equal(mine[p].values, theirs[p].values));
        }
    }
    run.demb -= 2;
    CHECK((demb_twice - 2 - 2 * run.demb).abs().maxCoeff() < 1e-12);
    const auto once_list = nn::parameters(run.d), twice_list = nn::parameters(d_twice);
    for (std::size_t p = 0; p < once_list.size(); ++p) {
        for (std::size_t i = 0; i < once_list[p].values.size(); ++i) {
            CHECK(std::abs(twice_list[p].values[i] - 2 * once_list[p].values[i]) < 1e-11);
        }
    }
    const auto loss = [&] { return run.loss(); };
    CHECK(gradient_error(elements(run.x), elements(run.dx), loss) < 1e-6);
    CHECK(gradient_error(elements(run.emb), elements(run.demb), loss) < 1e-6);
    CHECK(whole_gradient_error(run.block, run.d, loss) < 1e-6);
}

TEST_CASE("a residual block refuses an output that does not fit", "[nn]") {
    for (const ddpm::isize outputs : {4, 6}) {  // without a convolution as its shortcut, and with one
        residual_run run({.inputs = 4, .outputs = outputs, .embedding = 3, .groups = 2});
        CHECK_NOTHROW(run.loss());
        const auto forward = [&](ddpm::isize channels, ddpm::isize height) {
            batch<double> out(channels, height * run.width * run.samples);
            run.block.forward(run.map_of(std::as_const(run.x), run.height, run.width), run.emb, run.a,
                              run.map_of(out, height, run.width), run.memory);
        };
        CHECK_NOTHROW(forward(outputs, run.height));
        CHECK_THROWS_AS(forward(outputs + 1, run.height), shape_error);
        CHECK_THROWS_AS(forward(outputs, run.height + 1), shape_error);
        CHECK_THROWS_AS(forward(outputs, run.height - 1), shape_error);
    }
}

TEST_CASE("a residual block refuses a rescale by which nothing can be divided", "[nn]") {
    const auto made = [](double rescale) {
        return nn::residual_block<float>({.inputs = 4, .outputs = 4, .embedding = 3, .groups = 2, .rescale = rescale});
    };
    CHECK_NOTHROW(made(-2));
    CHECK_THROWS_AS(made(0), value_error);
    CHECK_THROWS_AS(made(std::nan("")), value_error);
    CHECK_THROWS_AS(made(std::numeric_limits<double>::infinity()), value_error);
}

TEST_CASE("a residual block refuses a gradient without its shortcut", "[nn]") {
    residual_run run({.inputs = 4, .outputs = 6, .embedding = 3, .groups = 2});
    run.backward();
    run.d.conv_shortcut.reset();
    CHECK_THROWS_AS(run.backward(run.dx, run.demb, run.d), shape_error);
}

}  // namespace ddpm::test
