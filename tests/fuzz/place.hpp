// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>

#include "fuzz/targets.hpp"
#include "support/temporary_folder.hpp"

#include <string>

namespace ddpm::fuzz {

/// A folder of this process.
inline const test::temporary_folder& place() {
    static const test::temporary_folder folder(test::place_in_memory());
    return folder;
}

inline void write(const std::string& path, bytes content) { test::write_text(path, ddpm::detail::text_of(content)); }

}  // namespace ddpm::fuzz
