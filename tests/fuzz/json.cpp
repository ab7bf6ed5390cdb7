// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/bytes.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"
#include "support/json_peer.hpp"

#include <string>

namespace ddpm::fuzz {

void json(bytes input) {
    const test::json_comparison compared = test::compare_with_peer(std::string(ddpm::detail::text_of(input)));
    require(compared.difference.empty(), compared.difference.c_str());
}

}  // namespace ddpm::fuzz
