// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/checked.hpp>

namespace ddpm::io::detail {

using ddpm::detail::checked_add;
using ddpm::detail::checked_multiply;

}  // namespace ddpm::io::detail
