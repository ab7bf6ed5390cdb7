// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "eigen_peer.hpp"

// All of Eigen gets another name here, so that the linker does not mix it with the Eigen of the other files.
#define Eigen eigen_built_natively
#include <Eigen/Core>

#include "eigen_peer.inl.hpp"

const eigen_peer eigen_native{"eigen_native", linear_combination, multiply<float>, multiply<double>};
