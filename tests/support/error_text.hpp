// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace ddpm::test {

/// The text of the exception of type Error that f throws.
template <class Error, class F>
[[nodiscard]] std::string error_text(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "nothing was thrown";
}

}  // namespace ddpm::test
