// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/random/noise.hpp>

#include <concepts>
#include <type_traits>

namespace ddpm::detail {

/// A noise source whose normals have addresses, from which a kernel makes them where they are used.
template <class Noise>
concept AddressedNoise = std::same_as<std::remove_const_t<Noise>, philox_noise>;

}  // namespace ddpm::detail
