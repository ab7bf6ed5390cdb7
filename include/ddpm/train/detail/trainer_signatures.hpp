// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/loss/concept.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/schedule/noise_process.hpp>

namespace ddpm::detail {

/// A loss that trains a network under a schedule.
template <class Loss, class Net, class Schedule>
concept LossOf =
    Network<Net> && NoiseProcess<Schedule> &&
    (TrainingLoss<Loss, Schedule, typename Net::scalar> || VarianceLoss<Loss, Schedule, typename Net::scalar>);

/// Checks the types of a training, so that the compiler's first error says which is wrong and what is wanted.
template <class Net, class Schedule, class Loss>
struct trainer_signatures {
    static_assert(
        Network<Net>,
        "ddpm::trainer: the network is no Network. It must be copyable, derive from ddpm::network_base, and have: "
        "scalar; workspace; shape() const; workspace make_workspace(ddpm::isize samples, ddpm::pass) const; "
        "forward(const ddpm::network_input<scalar>& in, ddpm::batch_view<scalar> out, workspace&) const; "
        "backward(const ddpm::network_input<scalar>& in, ddpm::batch_view<const scalar> dout, workspace&, Net& d, "
        "ddpm::batch_view<scalar> dx) const; static visit(self, visitor), which calls visitor(name, tensor)");
    static_assert(NoiseProcess<Schedule>,
                  "ddpm::trainer: the schedule is no NoiseProcess. A discrete one has steps() const and "
                  "alpha_bar(ddpm::isize t) const, a continuous one level(double u) const");
    static_assert(
        !Network<Net> || !NoiseProcess<Schedule> || LossOf<Loss, Net, Schedule>,
        "ddpm::trainer: the loss cannot be called. It must be callable as const, with Schedule and "
        "S = Net::scalar: double loss(const Schedule&, ddpm::prediction kind, "
        "const ddpm::noised_batch<S, ddpm::time_type<Schedule>>& noised, ddpm::batch_view<const S> predicted, "
        "ddpm::batch_view<S> d_predicted); for a network with a variance head: (schedule, kind, noised, predicted, "
        "ddpm::batch_view<const S> head, d_predicted, ddpm::batch_view<S> d_head)");
};

}  // namespace ddpm::detail
