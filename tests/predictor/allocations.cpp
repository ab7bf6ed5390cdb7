// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// This program too counts its allocations.

#include "support/count_allocations.inl.hpp"
