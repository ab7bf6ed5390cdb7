// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/kernels/detail/quantile.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <string>
#include <vector>

namespace {

constexpr ddpm::isize dimension = 3 * 32 * 32;
constexpr ddpm::isize count = 64;

/// One step of a sampler in the middle of its way, in place, from a prediction of ε, with x̂_0 clipped.
struct step_data {
    template <class Sampler>
    explicit step_data(const Sampler& sampler)
        : plan(ddpm::make_plan(sampler, ddpm::noise_schedule<>{ddpm::linear_beta{}, 1000},
                               std::vector<ddpm::isize>{500, 480, 0})),
          xt(dimension, count),
          predicted(xt),
          z(xt) {
        noise.normal<float>(xt, 0);
        noise.normal<float>(predicted, 1);
        noise.normal<float>(z, 2);
    }

    [[nodiscard]] ddpm::kernels::reverse_coefficients<float> coefficients(ddpm::isize k) const {
        const ddpm::stage& stage = plan.stages()[static_cast<std::size_t>(k)];
        ddpm::kernels::reverse_coefficients<float> c{
            .estimate = denoise_coefficients_of<float>(ddpm::prediction::epsilon, stage.level, {.clip_x0 = 1.0})};
        for (const ddpm::term& part : stage.then[0].terms) {
            const float factor = static_cast<float>(part.factor);
            switch (part.of) {
                case ddpm::quantity::x0:
                    c.x0 = factor;
                    break;
                case ddpm::quantity::eps:
                    c.eps = factor;
                    break;
                case ddpm::quantity::noise:
                    c.sigma = factor;
                    break;
                default:
                    c.xt = factor;
            }
        }
        return c;
    }

    ddpm::philox_noise noise{1, ddpm::noise_stream::sampler};
    ddpm::isize step = 3;
    ddpm::sampling_plan plan;
    ddpm::batch<float> xt, predicted, z;
};

template <class Sampler, class Body>
void add_step(const std::string& operation, const Sampler& sampler, int read, Body body) {
    constexpr double elements = dimension * count;
    const ddpm::bench::work one_pass{.items = elements, .passes = {{.floats = elements, .read = read, .updated = 1}}};
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    ddpm::bench::add("sampler", operation, size, one_pass,
                     [=] { return [body, data = step_data(sampler)]() mutable { body(data); }; });
}

void add_quantile() {
    const ddpm::bench::work one_pass{.items = dimension * count,
                                     .passes = {{.floats = dimension * count, .read = 1, .written = 1}}};
    const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
    ddpm::bench::add("sampler", "absolute_quantile", size, one_pass, [] {
        return [data = step_data(ddpm::ancestral{}), scratch = ddpm::batch<float>(dimension, count),
                quantiles = std::vector<float>(count)]() mutable {
            ddpm::kernels::detail::absolute_quantiles<float>(data.xt, 0.995, scratch, quantiles.data());
        };
    });
}

const ddpm::bench::group sampler_benchmarks{[] {
    using data = step_data;
    namespace kernels = ddpm::kernels;
    add_step("reverse_step_fresh", ddpm::ancestral{}, 1, [](data& d) {
        kernels::reverse_step<float>(d.coefficients(0), d.xt, d.predicted, d.noise.address(dimension, count, d.step++),
                                     {}, d.xt);
    });
    add_step("reverse_step_given", ddpm::ancestral{}, 2, [](data& d) {
        kernels::reverse_step<float>(d.coefficients(0), d.xt, d.predicted, ddpm::batch_view<const float>(d.z), {},
                                     d.xt);
    });
    constexpr ddpm::isize last = 2;  // the step to x_0, which takes no noise
    add_step("reverse_step_none", ddpm::ancestral{}, 1, [](data& d) {
        kernels::reverse_step<float>(d.coefficients(last), d.xt, d.predicted, ddpm::batch_view<const float>(), {},
                                     d.xt);
    });
    add_step("ddim_step", ddpm::ddim{}, 1, [](data& d) {
        kernels::reverse_step<float>(d.coefficients(0), d.xt, d.predicted, ddpm::batch_view<const float>(), {}, d.xt);
    });
    add_quantile();
}};

}  // namespace
