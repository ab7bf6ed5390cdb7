// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/io/safetensors_header.hpp>
#include <ddpm/io/write_safetensors.hpp>
