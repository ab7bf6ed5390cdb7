// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/embedded_step.hpp>
#include <ddpm/kernels/stage.hpp>
#include <ddpm/process/parameterization.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// What samples that each go a way of their own are made of, and what is done with one of them.
template <Scalar S>
class adaptive_memory {
public:
    adaptive_memory(batch<S> x, isize order)
        : x_(std::move(x)),
          u_(static_cast<std::size_t>(x_.size())),
          prediction_(u_.size()),
          eps_(u_.size()),
          low_(order == 2 ? 0 : u_.size()),
          stream_(kernels::detail::should_stream(batch_view<S>(x_))) {}

    [[nodiscard]] isize rows() const noexcept { return x_.rows(); }
    [[nodiscard]] isize samples() const noexcept { return x_.cols(); }
    [[nodiscard]] batch<S> take() && { return std::move(x_); }

    /// All samples of that of which this is the first.
    [[nodiscard]] batch_view<S> all(S* first) noexcept { return {first, x_.rows(), x_.cols()}; }

    /// Sample n of x, of u, which lies between x and the end of a step, of the prediction, of ε̂ at x, and of the worse end of
    /// a step where that is known before the better, else null.
    [[nodiscard]] S* x(isize n) noexcept { return x_.data() + n * x_.rows(); }
    [[nodiscard]] S* u(isize n) noexcept { return u_.data() + n * x_.rows(); }
    [[nodiscard]] S* prediction(isize n) noexcept { return prediction_.data() + n * x_.rows(); }
    [[nodiscard]] S* eps(isize n) noexcept { return eps_.data() + n * x_.rows(); }
    [[nodiscard]] S* low(isize n) noexcept { return low_.empty() ? nullptr : low_.data() + n * x_.rows(); }

    /// Makes ε̂ of sample n from what was predicted at `from`, and the sums, in one pass.
    void combine(isize n, const S* from, const affine& to_eps, S* kept_eps,
                 std::initializer_list<kernels::stage_sum<S>> sums) {
        const kernels::stage_work<S> work{
            .estimate = {.eps_xt = static_cast<S>(to_eps.xt), .eps_value = static_cast<S>(to_eps.value)},
            .xt = from,
            .p = prediction(n),
            .kept_eps = kept_eps,
            .sums = sums.begin(),
            .count = static_cast<isize>(sums.size()),
            .stream = stream_};
        kernels::for_each_block(x_.rows(), 1, [&](isize, isize first, isize last) {
            kernels::run_stage(work, {}, 1, first, last - first, first);
        });
    }

    /// Moves sample n to the end of a step, and back unless accepts(root mean square of its error).
    template <class Accepts>
    void try_step(isize n, const kernels::embedded_step<S>& step, const Accepts& accepts) {
        S* const old = thread_scratch<old_tag, S>(x_.rows());
        const double sum = kernels::sum_over_blocks(x_.rows(), 1, [&](isize, isize first, isize last) {
            return kernels::take_embedded_step<S>(last - first, step, x(n) + first, eps(n) + first, u(n) + first,
                                                  prediction(n) + first, low_.empty() ? nullptr : low(n) + first,
                                                  old + first);
        });
        if (!accepts(std::sqrt(sum / static_cast<double>(x_.rows())))) {
            std::copy_n(old, x_.rows(), x(n));
        }
    }

private:
    using memory = std::vector<S, aligned_allocator<S>>;  // D × N, as x
    struct old_tag {};                                    // for thread_scratch

    batch<S> x_;
    memory u_;
    memory prediction_;
    memory eps_;
    memory low_;
    bool stream_;
};

}  // namespace ddpm::detail
