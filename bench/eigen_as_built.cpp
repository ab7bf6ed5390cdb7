// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "eigen_peer.hpp"

#include <Eigen/Core>

#include "eigen_peer.inl.hpp"

const eigen_peer eigen_as_built{"eigen", linear_combination, multiply<float>, multiply<double>};
