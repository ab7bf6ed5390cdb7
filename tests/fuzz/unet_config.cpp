// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/diffusers/unet_config.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"

#include <string>

namespace ddpm::fuzz {

void unet_config(bytes input) {
    diffusers::unet_config config;
    if (!accepted([&] { config = diffusers::parse_unet_config(ddpm::detail::text_of(input), "fuzz"); })) {
        return;
    }
    const std::string text = diffusers::unet_config_text(config);
    const diffusers::unet_config again = diffusers::parse_unet_config(text, "fuzz");
    require(diffusers::unet_config_text(again) == text, "a config changes when it is written and read");
}

}  // namespace ddpm::fuzz
