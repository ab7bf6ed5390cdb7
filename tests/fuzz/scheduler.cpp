// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/diffusers/scheduler_run.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"

#include <span>
#include <string_view>

namespace ddpm::fuzz {

/// The first byte is the number of steps, the rest the text of the config.
void scheduler(bytes input) {
    if (input.empty()) {
        return;
    }
    const isize steps = std::to_integer<isize>(input[0]) % 32;
    const std::string_view text = ddpm::detail::text_of(input.subspan(1));
    const auto network = [](batch_view<const float> xt, std::span<const double> t, const model_output<float>& out) {
        require(static_cast<isize>(t.size()) == xt.columns(), "one time per sample");
        out.prediction.array() = 0.5f * xt.array();
    };
    accepted([&] {
        const diffusers::scheduler_config config = diffusers::parse_scheduler_config(text, "fuzz");
        if (config.train_timesteps > 2000) {
            return;  // only slower
        }
        const diffusers::scheduler_run run = diffusers::make_scheduler_run(config, steps);
        if (run.plan.stages().size() > 2000) {
            return;
        }
        const batch<float> x = diffusers::sample(run, network, {.count = 2, .shape = 3, .seed = 1});
        require(x.rows() == 3 && x.cols() == 2, "samples of another size");
    });
}

}  // namespace ddpm::fuzz
