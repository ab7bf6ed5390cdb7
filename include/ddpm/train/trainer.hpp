// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/adam.hpp>
#include <ddpm/train/checkpoint.hpp>
#include <ddpm/train/detail/batch_gradient.hpp>
#include <ddpm/train/detail/checkpoint_format.hpp>
#include <ddpm/train/detail/loss_text.hpp>
#include <ddpm/train/detail/products_scope.hpp>
#include <ddpm/train/detail/step_guard.hpp>
#include <ddpm/train/detail/trainer_signatures.hpp>
#include <ddpm/train/detail/training_batch.hpp>
#include <ddpm/train/ema.hpp>
#include <ddpm/train/epoch_order.hpp>
#include <ddpm/train/gradient_norm.hpp>
#include <ddpm/train/learning_rate.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/time_sampler.hpp>
#include <ddpm/train/training_data.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ddpm {

/// The primary template, of types that cannot be trained: it says what is wanted. Below is that of all others.
template <class Net, class Schedule, class Loss = mse_loss, bool CanTrain = detail::LossOf<Loss, Net, Schedule>>
class trainer : detail::trainer_signatures<Net, Schedule, Loss> {
public:
    /// Declared, as fit is, so that there is no second error.
    explicit trainer(Net&, const Schedule&, const trainer_options& = {}, const Loss& = {});
    /// Declared only.
    template <class Data>
    [[nodiscard]] fit_result fit(const Data&, const fit_options& = {});
};

/// Trains a denoising network in place with Adam and keeps an exponential moving average (EMA) of its parameters. The
/// schedule may be discrete or continuous; some losses need a discrete one. The samples (epochs in random order without
/// replacement), times and noise of a step depend only on the seed and the step (with importance sampling also on
/// earlier losses): they are read from the Philox streams `order`, `timestep` and `training`. So a training can be
/// interrupted after any step and resumed. If the loss has no term for a variance head, only the prediction is trained.
/// @accuracy a step as its parts: the network, the loss, time_sampler, gradient_norm, adam and ema
/// @determinism the same bits for every thread count; fit(a) then fit(b) is fit(a + b), also with save and load between
/// @source Ho et al. 2020, arXiv 2006.11239, algorithm 1
template <class Net, class Schedule, class Loss>
class trainer<Net, Schedule, Loss, true> {
public:
    using scalar = typename Net::scalar;

    /// `net` and options.products must outlive the trainer; the schedule is copied. Products that nn::set_products gave to
    /// the network's layers are set to null: only a step, as the options say, has others than those of its scalar.
    /// @throws value_error for options outside their domain, also converted to the network's scalar; if the loss needs
    /// a variance head and the network has none, or has a text() that is not UTF-8; if there are products, but no layers
    /// of float that compute them; if self_conditioning > 0 and the network's maps are too few for it; as time_sampler
    explicit trainer(Net& net, const Schedule& schedule, const trainer_options& options = {}, const Loss& loss = {});

    ~trainer();
    trainer(const trainer&) = delete;
    trainer& operator=(const trainer&) = delete;

    /// Makes options.steps more steps with batches drawn from the data, whose values are usually in [−1, 1]. After the
    /// first step nothing is allocated. If the loss, the gradient or a new parameter is not finite, that step changes
    /// nothing; it is skipped if options.most_skipped allows it, else it ends the fit, and the result's status says so.
    /// @throws shape_error if D is not the network's, or conditions or weights do not fit the samples; value_error if
    /// there is no sample, options.steps or most_skipped < 0, the training would reach 2³² steps or more than 2³² epochs,
    /// the condition is not what the network takes, a form of condition is dropped that the data does not have or that
    /// has no null value, an element's weight is negative or not finite, the loss is not WeighsElements, or the loss
    /// refuses the data or a time: all before the first step. In the first step: with importance sampling, if the loss
    /// does not report the samples' losses. Exceptions of the callback pass through, and training can continue
    [[nodiscard]] fit_result fit(const training_data<scalar>& data, const fit_options& options = {});

    /// The same with samples only, D × N.
    template <BatchLike Data>
        requires std::same_as<scalar_of<Data>, scalar>
    [[nodiscard]] fit_result fit(const Data& x0, const fit_options& options = {}) {
        const detail::readable samples(x0);
        return fit(training_data<scalar>{samples.view()}, options);
    }

    template <class Data>
    fit_result fit(const Data&, const fit_options& = {}) {
        static_assert(BatchLike<Data> && std::same_as<scalar_of<Data>, scalar>,
                      "ddpm::trainer::fit: the data must be a D x N array or batch_view of the network's scalar, or "
                      "training_data of it");
        return {};
    }

    /// The predictor to sample with: the averaged network, with what it learned to predict. It refers to the trainer.
    [[nodiscard]] predicting<const Net&> ema() const { return ddpm::predicts(ema_.average(), kind_); }

    /// The averaged network.
    [[nodiscard]] const Net& average() const noexcept { return ema_.average(); }
    [[nodiscard]] const Net& net() const noexcept { return *net_; }
    [[nodiscard]] const trainer_options& options() const noexcept { return options_; }

    /// What the network learns to predict.
    [[nodiscard]] prediction predicts() const noexcept { return kind_; }

    /// The number of steps since the beginning, those before a resume and those that were skipped included.
    [[nodiscard]] isize step() const noexcept { return step_; }

    /// Writes a checkpoint: a safetensors file with the parameters, their average and the optimizer's state; the
    /// metadata holds the step and the options.
    /// @throws io_error if writing fails; the file is then unchanged, unless the text says otherwise (see
    /// io::atomic_file::commit)
    void save(const std::string& path) const;

    /// Loads a checkpoint: fit on the same data then gives the same bits as without the interruption. With
    /// `resume::with_other_options` the trainer's options may differ from the checkpoint's.
    /// @throws io_error if the file is invalid, has changed since it was written, is not a checkpoint of this network
    /// (the text names the first differences and their number), or as `loading` says; value_error if it was saved with
    /// other options or, as far as losses have a text(), another loss (the text lists them); the trainer is then unchanged
    void load(const std::string& path, resume how = resume::exact, const load_options& loading = {});

private:
    void require_valid_loss(const training_data<scalar>& data) {
        require_loss_data(loss_, data.x0, data.element_weight);
        if constexpr (loss_members<Loss, Schedule, scalar>::refuses_times) {
            if (!times_are_valid_) {
                times_.visit_times([&](time_type<Schedule> t) { loss_.require_time(schedule_, kind_, t); });
                times_are_valid_ = true;
            }
        }
    }

    static void require_valid_weights(const training_data<scalar>& data) {
        const batch_view<const scalar> weight = data.element_weight;
        if (weight.size() == 0) {
            return;
        }
        require_weighs_elements<Loss>("trainer::fit");
        detail::require_same_shape("trainer::fit", "element_weight has the shape of the samples", data.x0, weight);
        require_element_weight("trainer::fit", weight);
    }

    /// The condition that the network takes.
    /// @throws value_error if self-conditioning is on and the maps have too few channels for the estimate
    static condition_shape require_estimate(const Net& net, const trainer_options& options) {
        const condition_shape takes = net.takes();
        const isize channels = sample_shape(net.shape()).channels;
        detail::require(!(options.self_conditioning > 0) || takes.map_channels >= channels, "trainer",
                        "self_conditioning: map_channels of the network", {">= ", channels}, {takes.map_channels});
        return takes;
    }

    /// Returns the loss of the batch; if it is finite, gradient_ holds its gradient.
    double differentiate(const training_data<scalar>& data, epoch_order& order, const fit_options& options) {
        const detail::products_scope<Net> scope(*net_, options_.products);
        if (!gradient_is_zero_) {
            for (const nn::parameter<scalar>& g : gradients_) {
                std::fill(g.values.begin(), g.values.end(), scalar{0});
            }
        }
        gradient_is_zero_ = false;
        double loss = 0;
        for (isize first = 0; first < options_.batch && std::isfinite(loss); first += micro_batch_) {
            const isize count = std::min(micro_batch_, options_.batch - first);
            batch_.draw(data, order, schedule_, times_, options.condition_dropout, step_, first, count);
            const dropout_masks masks{options_.seed, step_, first};
            if (options_.self_conditioning > 0) {
                batch_.conditions().estimate({});
                if (estimates()) {
                    const batch_view<scalar> x0 = batch_view<scalar>(estimate_).middle(0, count);
                    differentiate_.estimate(*net_, schedule_, kind_, batch_.noised().t, batch_.input(masks), x0);
                    batch_.conditions().estimate(x0);
                }
            }
            const double share = static_cast<double>(count) / static_cast<double>(options_.batch);
            loss +=
                differentiate_(*net_, schedule_, loss_, kind_, batch_.noised(), batch_.input(masks), share, gradient_);
        }
        if (times_.learns() && std::isfinite(loss)) {
            for (const double own : batch_.all_losses()) {
                if (!std::isfinite(own)) {
                    throw value_error("trainer::fit", "importance sampling", "a loss that writes each sample's loss",
                                      own);
                }
            }
        }
        return loss;
    }

    struct step_values {
        double loss, norm, rate;
        bool made = false;  // false if something was not finite: the parameters are then unchanged
        /// The parameter whose gradient or new value was not finite, if it is that.
        std::optional<std::size_t> changed{};
    };

    /// Makes the next step, except for the count of steps; if something is not finite, nothing changes.
    step_values make_step(const training_data<scalar>& data, epoch_order& order, const fit_options& options,
                          std::span<const nn::parameter<scalar>> parameters) {
        const double loss = differentiate(data, order, options);
        const double norm = std::isfinite(loss) ? norm_(gradients_) : loss;
        const double rate = options_.learning_rate * learning_rate_factor(options_.rate_schedule, step_);
        step_values out{loss, norm, rate};
        if (!std::isfinite(norm)) {
            out.changed = std::isfinite(loss) ? nn::first_not_finite<scalar>(gradients_) : std::nullopt;
            return out;
        }
        const double scale = clipping_factor(norm, options_.largest_gradient_norm);
        out.changed = guard_.first_not_finite(adam_, parameters, gradients_, rate, scale, norm);
        if (out.changed) {
            return out;
        }
        // One pass over the parameters' memory.
        const scalar average_rate = ema_.begin_update();
        adam_.step(parameters, gradients_, rate, scale, [&](std::size_t p, isize at, isize size) {
            ema_.update_part(parameters, average_rate, p, at, size);
            std::fill_n(gradients_[p].values.data() + at, size, scalar{0});
        });
        gradient_is_zero_ = true;
        times_.record(batch_.all_t(), batch_.all_losses());
        out.made = true;
        return out;
    }

    /// The name of the tensor to blame for a step that was not made.
    [[nodiscard]] std::string not_finite_tensor(std::optional<std::size_t> changed) const {
        const std::vector<nn::parameter<const scalar>> parameters = nn::parameters(std::as_const(*net_));
        const auto first = nn::first_not_finite<const scalar>(parameters), blamed = first ? first : changed;
        return blamed ? parameters[*blamed].name : "";
    }

    /// Whether this step uses self-conditioning.
    /// @source Chen et al. 2022, arXiv 2208.04202, algorithm 1
    [[nodiscard]] bool estimates() const {
        const philox_noise noise(options_.seed, noise_stream::condition);
        return static_cast<double>(noise.bits(0, step_, 2)) * 0x1p-32 < options_.self_conditioning;
    }

    [[nodiscard]] std::map<std::string, std::string> fingerprint() const {
        return detail::fingerprint(options_, kind_, schedule_, detail::loss_text(loss_));
    }

    /// All tensors of a checkpoint except those of the time sampler.
    template <class Self>
    [[nodiscard]] static std::vector<nn::parameter<nn::parameter_scalar<Self>>> groups(Self& self) {
        const std::vector<nn::parameter<scalar>> own = nn::parameters(*self.net_);
        std::vector<nn::parameter<nn::parameter_scalar<Self>>> list;
        detail::append_group(list, "", std::span(own));
        detail::append_group(list, detail::ema_group, self.ema_.parameters());
        for (std::size_t p = 0; p < own.size(); ++p) {
            auto& state = self.adam_.state();
            list.push_back({std::string(detail::first_moment_group) + own[p].name, own[p].shape,
                            state.first[p].values(), own[p].order});
            list.push_back({std::string(detail::second_moment_group) + own[p].name, own[p].shape,
                            state.second[p].values(), own[p].order});
        }
        return list;
    }

    /// The tensors of the time sampler.
    template <class Self>
    [[nodiscard]] static std::vector<nn::parameter<nn::parameter_scalar<Self>>> time_sampler_group(Self& self) {
        std::vector<nn::parameter<nn::parameter_scalar<Self>>> list;
        time_sampler<Schedule, scalar>::visit_state(self.times_, [&](const char* name, auto& state) {
            list.push_back(
                {std::string(detail::time_sampler_group) + name, state.shape(), state.values(), state.order()});
        });
        return list;
    }

    Net* net_;
    Schedule schedule_;
    trainer_options options_;
    Loss loss_;
    prediction kind_;
    Net gradient_;
    std::vector<nn::parameter<scalar>> gradients_;  // refers to gradient_
    gradient_norm<scalar> norm_;
    adam<scalar> adam_;
    detail::step_guard<scalar> guard_;
    ddpm::ema<Net> ema_;
    isize micro_batch_;
    detail::batch_gradient<Net, Schedule, Loss> differentiate_;
    time_sampler<Schedule, scalar> times_;
    detail::training_batch<scalar, time_type<Schedule>> batch_;
    batch<scalar> estimate_;  // x̂_0 for self-conditioning
    isize step_ = 0;
    isize skipped_ = 0;  // of these steps
    bool times_are_valid_ = false;
    bool gradient_is_zero_ = true;
};

template <class Net, class Schedule, class Loss>
trainer<Net, Schedule, Loss, true>::trainer(Net& net, const Schedule& schedule, const trainer_options& options,
                                            const Loss& loss)
    : net_(&detail::require_products(net, options.products)),
      schedule_(schedule),
      options_((detail::require_valid<scalar>(options), options)),
      loss_(loss),
      kind_(options.predicts.value_or(prediction_of(net))),
      gradient_(nn::zeros_like(net)),
      gradients_(nn::parameters(gradient_)),
      norm_(std::span(std::as_const(gradients_))),
      adam_(std::span(std::as_const(gradients_)), options.adam),
      ema_(net, options.ema),
      micro_batch_(options.micro_batch == 0 ? options.batch : std::min(options.batch, options.micro_batch)),
      differentiate_(net, micro_batch_, options.recompute),
      times_(options.time_sampling, schedule_, options.seed, options.times),
      batch_(net.shape(), require_estimate(net, options), micro_batch_, options),
      estimate_(options.self_conditioning > 0 ? batch_.rows() : 0, micro_batch_) {
    static_cast<void>(loss_members<Loss, Schedule, scalar>{});
    static_cast<void>(detail::loss_text(loss));  // throws if a checkpoint could not hold it
    adam_.require_learning_rate("trainer", options.learning_rate);
}

template <class Net, class Schedule, class Loss>
trainer<Net, Schedule, Loss, true>::~trainer() = default;

template <class Net, class Schedule, class Loss>
fit_result trainer<Net, Schedule, Loss, true>::fit(const training_data<scalar>& data, const fit_options& options) {
    batch_.require_valid("trainer::fit", data, options.condition_dropout);
    require_valid_weights(data);
    epoch_order order(options_.seed, data.x0.columns());
    detail::require_steps(options, step_, std::min(detail::most_steps, order.batches(options_.batch)));
    require_valid_loss(data);
    const std::vector<nn::parameter<scalar>> parameters = nn::parameters(*net_);
    guard_.begin(parameters, adam_.state(), norm_);
    const isize first = step_, end = step_ + options.steps, skipped_before = skipped_;
    const auto started = std::chrono::steady_clock::now();
    fit_result result{fit_status::finished, step_, std::numeric_limits<double>::quiet_NaN()};
    isize in_succession = 0;  // steps skipped
    while (result.status == fit_status::finished && step_ < end) {
        const step_values done = make_step(data, order, options, parameters);
        result.loss = done.loss;
        if (done.made) {
            in_succession = 0;
        } else if (in_succession == options.most_skipped) {
            result.status = fit_status::non_finite;
            result.tensor = not_finite_tensor(done.changed);
            break;
        } else {
            ++in_succession;
            ++skipped_;
            guard_.begin(parameters, adam_.state(), norm_);
        }
        ++step_;
        const std::chrono::duration<double> since = std::chrono::steady_clock::now() - started;
        if (options.progress) {
            training_progress at{step_, end, done.loss, done.norm, done.rate};
            at.skipped = !done.made;
            at = detail::with_speed(at, step_ - first, since.count(), options_.batch);
            result.status = options.progress(at) ? fit_status::finished : fit_status::stopped;
        }
    }
    result.step = step_;
    result.skipped = skipped_ - skipped_before;
    return result;
}

template <class Net, class Schedule, class Loss>
void trainer<Net, Schedule, Loss, true>::save(const std::string& path) const {
    auto tensors = groups(*this);
    const auto sampled = time_sampler_group(*this);
    tensors.insert(tensors.end(), sampled.begin(), sampled.end());
    detail::save_checkpoint(path, tensors, {step_, skipped_}, fingerprint());
}

template <class Net, class Schedule, class Loss>
void trainer<Net, Schedule, Loss, true>::load(const std::string& path, resume how, const load_options& loading) {
    const auto loaded =
        detail::load_checkpoint(path, groups(*this), time_sampler_group(*this), how, fingerprint(), loading);
    step_ = loaded.steps.step;
    skipped_ = loaded.steps.skipped;
    if (loaded.has_times) {
        times_.refresh();
    } else {
        times_.forget();
    }
    adam_.state().steps = step_ - skipped_;
    ema_.set_steps(step_ - skipped_);
}

}  // namespace ddpm
