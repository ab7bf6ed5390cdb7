// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/bench/scratch.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/kl.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/loss/weighted_error.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <string>
#include <vector>

namespace {

using ddpm::bench::scratch_batch;
using view = ddpm::batch_view<const float>;

ddpm::bench::work streams(ddpm::isize dimension, ddpm::isize count, int read, int written) {
    const auto elements = static_cast<double>(dimension * count);
    return {.items = elements, .passes = {{.floats = elements, .read = read, .written = written}}};
}

/// The loss of a batch that predicts ε, with its gradient, where elements have weights if `weighted`.
void add_mse(const std::string& size, ddpm::isize dimension, ddpm::isize count, bool weighted) {
    ddpm::bench::work traffic = streams(dimension, count, weighted ? 3 : 2, 1);
    if (weighted) {  // they are looked at before
        traffic.passes.insert(traffic.passes.begin(), {.floats = traffic.items, .read = 1});
    }
    ddpm::bench::add("loss", weighted ? "weighted_mse_gradient" : "mse_gradient", size, traffic, [=] {
        return [schedule = ddpm::noise_schedule<>{ddpm::linear_beta{}, 1000},
                t = std::vector<ddpm::isize>(static_cast<std::size_t>(count), 500),
                predicted = scratch_batch(0, dimension, count), eps = scratch_batch(1, dimension, count),
                gradient = scratch_batch(2, dimension, count),
                weight = weighted ? view(scratch_batch(3, dimension, count)) : view()] {
            ddpm::noised_batch<float> noised{eps, eps, eps, t};  // x_0 and x_t are not read
            noised.element_weight = weight;
            benchmark::DoNotOptimize(
                ddpm::mse_loss{}(schedule, ddpm::prediction::epsilon, noised, predicted, gradient));
        };
    });
}

void add_weighted_mse(const std::string& size, ddpm::isize dimension, ddpm::isize count) {
    ddpm::bench::add("loss", "weighted_mse", size, streams(dimension, count, 2, 0), [=] {
        return [weight = std::vector<double>(static_cast<std::size_t>(count), 0.5),
                errors = std::vector<double>(static_cast<std::size_t>(count)),
                predicted = view(scratch_batch(0, dimension, count)),
                target = view(scratch_batch(1, dimension, count))]() mutable {
            ddpm::weighted_mse(predicted, target, weight, errors);
            benchmark::DoNotOptimize(errors.data());
        };
    });
}

void add_kl(const std::string& size, ddpm::isize dimension, ddpm::isize count) {
    ddpm::bench::add("loss", "kl", size, streams(dimension, count, 4, 0), [=] {
        return [m1 = view(scratch_batch(0, dimension, count)), lv1 = view(scratch_batch(1, dimension, count)),
                m2 = view(scratch_batch(2, dimension, count)), lv2 = view(scratch_batch(3, dimension, count))] {
            benchmark::DoNotOptimize(ddpm::kl_diagonal_gaussians(m1, lv1, m2, lv2).data());
        };
    });
}

const ddpm::bench::group loss_benchmarks{[] {
    const auto add_all = [](ddpm::isize dimension, ddpm::isize count) {
        const std::string size = std::to_string(dimension) + "x" + std::to_string(count);
        add_mse(size, dimension, count, false);
        add_mse(size, dimension, count, true);
        add_weighted_mse(size, dimension, count);
        add_kl(size, dimension, count);
    };
    add_all(3 * 32 * 32, 64);
    add_all(1 << 16, 1 << 10);  // 64 M: from memory
}};

}  // namespace
