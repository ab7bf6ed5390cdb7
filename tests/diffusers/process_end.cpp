// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/sampler/by_name.hpp>

#include "support/catch.hpp"
#include "support/child_process.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace ddpm::test {
namespace {

/// Whether what is known by name is known.
bool names_are_known() {
    constexpr std::string_view network =
        R"({"_class_name": "UNet2DModel", "sample_size": 8, "in_channels": 1, "out_channels": 1, "norm_num_groups": 4,
            "block_out_channels": [8, 8], "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
            "up_block_types": ["AttnUpBlock2D", "UpBlock2D"]})";
    const auto scheduler = diffusers::parse_scheduler_config(
        R"({"_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2"})", "scheduler_config.json");
    bool found = false;
    for (const named_sampler& one : named_samplers()) {
        found = found || one.name == "ddim";
    }
    return found && scheduler.kind == diffusers::scheduler_kind::ddpm &&
           diffusers::parse_unet_config(network, "config.json").options.channels.size() == 2;
}

/// A static object of the user's that uses the library as the process ends: made before the library's own.
struct at_end {
    bool active = false;
    ~at_end() {
        if (active) {
            ::_exit(names_are_known() ? 7 : 8);
        }
    }
};
at_end last_use;

}  // namespace

TEST_CASE("what is known by name is so until the process has ended", "[diffusers]") {
    CHECK(names_are_known());
    CHECK(in_child([] {
              last_use.active = names_are_known();
              std::exit(0);
          }) == 7);
}

}  // namespace ddpm::test
