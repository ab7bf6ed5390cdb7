// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace ddpm::test {

inline const std::string data_folder = DDPM_SOURCE_FOLDER "/tests/diffusers/data";

}  // namespace ddpm::test
