// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Calls a kernel: kernel_calls NAME COUNT. Without arguments it prints the names. valgrind counts what call_counted calls;
// the first call, which sets up scratch memory and static variables, is made before.
#include "kernel_calls.hpp"

#include <ddpm/core/parallel.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using namespace ddpm::test;

[[gnu::noinline]] void call_counted(const kernel_call& one, int count) {
    for (int i = 0; i < count; ++i) {
        one.call();
    }
}

void visit_kernels(const kernel_visitor& visit) {
    for (auto* const visit_kind : {visit_elementwise_kernels, visit_sum_kernels, visit_noise_kernels,
                                   visit_network_kernels, visit_winograd_kernels}) {
        visit_kind(visit);
    }
}

}  // namespace

int main(int count, char** arguments) {
    ddpm::set_thread_count(1);
    if (count < 3) {
        visit_kernels([](const kernel_call& one) { std::puts(one.name); });
        return 0;
    }
    bool found = false;
    visit_kernels([&](const kernel_call& one) {
        if (std::string_view(one.name) == arguments[1]) {
            found = true;
            one.call();
            call_counted(one, std::atoi(arguments[2]));
        }
    });
    if (!found) {
        std::fprintf(stderr, "no kernel of that name\n");
        return 2;
    }
    return 0;
}
