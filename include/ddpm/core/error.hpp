// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/compiler.hpp>
#include <ddpm/core/detail/text.hpp>

#include <stdexcept>
#include <string_view>

namespace ddpm {

/// The base of all exceptions of the library: for a caller's mistake or a bad file, never for a numerical result.
class base_error : public std::runtime_error {
public:
    /// Makes the text "where: what".
    base_error(std::string_view where, std::string_view what)
        : std::runtime_error(detail::joined({where, ": ", what})) {}

    /// Makes the text "where: what; expected X, got Y". X and Y are texts, numbers, or anything that can be streamed.
    __attribute__((noinline, cold))
    base_error(std::string_view where, std::string_view what, detail::text_part expected, detail::text_part got)
        : std::runtime_error(detail::joined({where, ": ", what, "; expected ", expected, ", got ", got})) {}
};

/// Sizes that do not fit together.
class shape_error : public base_error {
    using base_error::base_error;
};

/// A value outside its domain.
class value_error : public base_error {
    using base_error::base_error;
};

/// A file that cannot be read, written or understood.
class io_error : public base_error {
    using base_error::base_error;
};

}  // namespace ddpm
