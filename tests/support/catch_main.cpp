// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The main function of Catch2 2.13, where its package has none for the processor that is compiled for.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
