// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/process/parameterization.hpp>

namespace ddpm::test {

inline constexpr prediction all_predictions[] = {prediction::epsilon, prediction::x0, prediction::v, prediction::score,
                                                 prediction::flow};

}  // namespace ddpm::test
