// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of an eigen_peer, for a file that has included Eigen in its way.

namespace {

void linear_combination(int terms, std::ptrdiff_t size, const float* const* in, float* out) {
    using array = Eigen::Map<const Eigen::ArrayXf>;
    Eigen::Map<Eigen::ArrayXf> y(out, size);
    const array a(in[0], size), b(in[1], size), c(in[2], terms > 2 ? size : 0), d(in[3], terms > 3 ? size : 0);
    if (terms == 2) {
        y = 0.25F * a + 0.5F * b;
    } else if (terms == 3) {
        y = 0.25F * a + 0.5F * b + 0.125F * c;
    } else {
        y = 0.25F * a + 0.5F * b + 0.125F * c + 0.0625F * d;
    }
}

template <class S>
void multiply(const product_task<S>& task) {
    using matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;
    using view = Eigen::Map<const matrix>;
    Eigen::Map<matrix> c(task.c, task.m, task.n);
    if (task.a_transposed) {
        c.noalias() = view(task.a, task.k, task.m).transpose() * view(task.b, task.k, task.n);
    } else if (task.b_transposed) {
        c.noalias() = view(task.a, task.m, task.k) * view(task.b, task.n, task.k).transpose();
    } else {
        c.noalias() = view(task.a, task.m, task.k) * view(task.b, task.k, task.n);
    }
}

}  // namespace
