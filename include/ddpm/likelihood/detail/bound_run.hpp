// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/grid/timesteps.hpp>
#include <ddpm/likelihood/bound_options.hpp>
#include <ddpm/likelihood/bound_result.hpp>
#include <ddpm/likelihood/prior.hpp>
#include <ddpm/loss/bound_term.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/variance_head.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/concept.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// The steps of a chain at which each sample is evaluated, as positions in the chain, by stratified sampling: the last
/// step, and a random one from each of `rounds` nearly equal strata of the others. A step is weighted by the size of
/// its stratum, so that the sum over the rounds is unbiased.
class chosen_steps {
public:
    chosen_steps(isize steps, isize per_sample, std::uint64_t seed)
        : last_(steps - 1), rounds_((per_sample == 0 ? steps : per_sample) - 1), noise_(seed, noise_stream::timestep) {}

    /// The number of rounds before that of the last step, which has this number.
    [[nodiscard]] isize rounds() const noexcept { return rounds_; }

    /// The number of steps in the stratum of a round.
    [[nodiscard]] isize stratum_size(isize round) const noexcept {
        return round == rounds_ ? 1 : first(round + 1) - first(round);
    }

    [[nodiscard]] isize position(isize round, isize sample) const {
        const isize size = stratum_size(round);
        return first(round) + (size == 1 ? 0 : noise_.below(size, sample, 0, round));
    }

private:
    [[nodiscard]] isize first(isize round) const noexcept { return round == rounds_ ? last_ : round * last_ / rounds_; }

    isize last_;
    isize rounds_;
    philox_noise noise_;
};

/// One computation of the bound: the running sums, and scratch memory for one batch.
template <Scalar S, NoiseSchedule Schedule, class P, class Noise>
class bound_run {
public:
    /// @param samples the number of samples, 0 if unknown
    bound_run(const Schedule& schedule, P& predictor, const bound_options& options, Noise& noise, isize samples)
        : schedule_(schedule),
          predictor_(predictor),
          options_(options),
          noise_(noise),
          timesteps_(timesteps_of(schedule, options)),
          chosen_(static_cast<isize>(timesteps_.size()), options.steps_per_sample, options.seed),
          work_(options_.progress, static_cast<double>(samples) * static_cast<double>(chosen_.rounds() + 1)),
          terms_(timesteps_.size()),
          x0_errors_(timesteps_.size()) {
        for (std::size_t k = 0; k < timesteps_.size(); ++k) {
            const isize s = k + 1 < timesteps_.size() ? timesteps_[k + 1] : clean;
            const isize noisier = k == 0 ? clean : timesteps_[k - 1];
            steps_.push_back(
                bound_step_at(schedule, prediction_of(predictor), options.variance, timesteps_[k], s, noisier));
            steps_.back().limit = x0_limit(options.clip_denoised, options.decoder);
        }
    }

    /// Adds the terms of more samples.
    void add(batch_view<const S> x0) {
        if (dimension_ != 0 && x0.rows() != dimension_) {
            throw shape_error("variational_bound", "dimension of the data", dimension_, x0.rows());
        }
        require_in_range("variational_bound", options_.decoder, x0);
        if (constexpr isize most = isize{1} << 32; number(x0.columns()) > most) {
            throw value_error("variational_bound", "number of the last sample", "< 2^32, from first_sample on",
                              number(x0.columns()) - 1);
        }
        for (isize first = 0; first < x0.columns() && x0.rows() > 0 && !work_.is_stopped(); first += options_.batch) {
            add_batch(x0.middle(first, std::min(options_.batch, x0.columns() - first)));
        }
    }

    /// Whether the callback has stopped the computation.
    [[nodiscard]] bool is_stopped() const noexcept { return work_.is_stopped(); }

    [[nodiscard]] bound_result result() const {
        if (total_.count() == 0 && !work_.is_stopped()) {
            throw value_error("variational_bound", "number of samples", ">= 1", 0);
        }
        bound_result out{total_.count(),          dimension_, total_.mean_and_error(),
                         prior_.mean_and_error(), {},         !work_.is_stopped()};
        for (std::size_t k = 0; k < timesteps_.size(); ++k) {
            // σ (ε̂ − ε) = α (x_0 − x̂_0), since both pairs give the same x_t.
            const mean_estimate error = x0_errors_[k].mean_and_error();
            out.terms.push_back(
                {timesteps_[k], terms_[k].count(), terms_[k].mean_and_error(), error, steps_[k].snr * error});
        }
        return out;
    }

private:
    static std::vector<isize> timesteps_of(const Schedule& schedule, const bound_options& options) {
        const isize steps = schedule.steps();
        require_valid("variational_bound", options, steps);
        return options.timesteps.empty() ? all_timesteps(steps) : options.timesteps;
    }

    void add_batch(batch_view<const S> x0) {
        const isize count = x0.columns();
        reserve(x0.rows(), count);
        const double per_dimension = 1 / static_cast<double>(dimension_);
        prior_kl(schedule_, x0, timesteps_.front(), std::span(totals_).first(static_cast<std::size_t>(count)));
        const std::vector<double> priors(totals_.begin(), totals_.begin() + static_cast<std::ptrdiff_t>(count));
        decltype(auto) session = session_of(predictor_, count);  // a new one, since it may keep values of its samples
        for (isize round = 0; round <= chosen_.rounds(); ++round) {
            measure(session, round, x0);
            for (isize n = 0; n < count; ++n) {
                const auto at = static_cast<std::size_t>(positions_[static_cast<std::size_t>(n)]);
                const bound_sums& sums = sums_[static_cast<std::size_t>(n)];
                terms_[at].add(per_dimension * sums.term);
                x0_errors_[at].add(per_dimension * sums.squared_error);
                total(n) += static_cast<double>(chosen_.stratum_size(round)) * sums.term;
            }
            if (!work_.add(static_cast<double>(count)) && round < chosen_.rounds()) {
                return;
            }
        }
        for (isize n = 0; n < count; ++n) {
            prior_.add(per_dimension * priors[static_cast<std::size_t>(n)]);
            total_.add(per_dimension * total(n));
        }
    }

    [[nodiscard]] double& total(isize n) { return totals_[static_cast<std::size_t>(n)]; }
    [[nodiscard]] isize number(isize n) const { return options_.first_sample + total_.count() + n; }

    void reserve(isize rows, isize count) {
        dimension_ = rows;
        if (xt_.cols() < count) {
            const isize columns = count < options_.batch && total_.count() == 0 ? count : options_.batch;
            xt_.resize(rows, columns);
            predicted_.resize(rows, columns);
            if (needs_head(options_.variance)) {
                head_.resize(rows, columns);
            }
            for (auto* values : {&totals_, &times_}) {
                values->resize(static_cast<std::size_t>(columns));
            }
            positions_.resize(static_cast<std::size_t>(columns));
            sums_.resize(static_cast<std::size_t>(columns));
        }
    }

    /// Computes the terms of one round for each sample.
    template <class Session>
    void measure(Session& session, isize round, batch_view<const S> x0) {
        const isize count = x0.columns();
        const batch_view<S> xt = batch_view<S>(xt_).middle(0, count),
                            predicted = batch_view<S>(predicted_).middle(0, count);
        const batch_view<S> head = head_.size() == 0 ? batch_view<S>() : batch_view<S>(head_).middle(0, count);
        for (isize n = 0; n < count; ++n) {
            positions_[static_cast<std::size_t>(n)] = chosen_.position(round, number(n));
            times_[static_cast<std::size_t>(n)] = static_cast<double>(timestep(n));
        }
        if (chosen_.stratum_size(round) == 1) {
            add_noise(0, x0, xt);
        } else {
            for (isize n = 0; n < count; ++n) {
                add_noise(n, x0.middle(n, 1), xt.middle(n, 1));
            }
        }
        clear_head(head);
        session(batch_view<const S>(xt), std::span<const double>(times_).first(static_cast<std::size_t>(count)),
                model_output<S>{predicted, head, total_.count()});
        require_written_head("variational_bound", head, predicted);
        parallel_for(count, std::max<isize>(1, 4096 / dimension_), [&](isize first, isize last) {
            for (isize n = first; n < last; ++n) {
                const auto of_sample = [&](batch_view<const S> values) {
                    return std::span(values.column(n), static_cast<std::size_t>(dimension_));
                };
                const bound_step& step = steps_[static_cast<std::size_t>(positions_[static_cast<std::size_t>(n)])];
                sums_[static_cast<std::size_t>(n)] =
                    bound_sums_of<S>(step, options_.decoder, of_sample(x0), of_sample(xt), of_sample(predicted),
                                     head.size() == 0 ? std::span<const S>() : of_sample(head));
            }
        });
    }

    [[nodiscard]] isize timestep(isize n) const {
        return timesteps_[static_cast<std::size_t>(positions_[static_cast<std::size_t>(n)])];
    }

    /// x_t of consecutive samples from n on that have the same timestep.
    void add_noise(isize n, batch_view<const S> x0, batch_view<S> xt) {
        noise_.normal(xt, timestep(n), number(n));
        q_sample(schedule_, x0, timestep(n), xt, xt);
    }

    const Schedule& schedule_;
    P& predictor_;
    bound_options options_;
    Noise& noise_;
    std::vector<isize> timesteps_;
    chosen_steps chosen_;
    measurement work_;
    std::vector<bound_step> steps_;
    running_mean total_, prior_;
    std::vector<running_mean> terms_, x0_errors_;
    isize dimension_ = 0;
    batch<S> xt_, predicted_, head_;
    std::vector<double> totals_, times_;
    std::vector<isize> positions_;
    std::vector<bound_sums> sums_;
};

}  // namespace ddpm::detail
