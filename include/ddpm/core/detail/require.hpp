// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include <initializer_list>
#include <string_view>

namespace ddpm::detail {

/// @throws an Error "where: what; expected X, got Y" unless the condition holds. X and Y are joined from their parts
template <class Error = value_error>
[[gnu::noinline]] void require(bool holds, std::string_view where, std::string_view what,
                               std::initializer_list<text_part> expected, std::initializer_list<text_part> got) {
    if (!holds) {
        throw Error(where, what, joined(expected), joined(got));
    }
}

}  // namespace ddpm::detail
