// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Every public concept on one page: what meets it, what does not, and the smallest type that meets it run through every
// template that asks for it. It has to compile and to end. Behaviour is tested beside each header's own test.
#include <ddpm/ddpm.hpp>

#include <support/smallest_networks.hpp>
#include <support/temporary_folder.hpp>

#include <array>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

// An executor of a program's own, outside the library's namespace: it runs the tasks one by one, from the last.
namespace program {

struct backwards final : ddpm::executor {
    void run(ddpm::isize count, ddpm::function_ref<void(ddpm::isize)> task) override {
        while (count > 0) {
            task(--count);
            ++tasks;
        }
    }
    [[nodiscard]] ddpm::isize concurrency() const override { return 1; }
    ddpm::isize tasks = 0;
};

}  // namespace program

namespace {

using namespace ddpm;
using ddpm::test::line_network;
using ddpm::test::told_network;

struct nothing {};

// Scalar: the types of samples.
static_assert(Scalar<float> && Scalar<double>);
static_assert(!Scalar<long double> && !Scalar<int> && !Scalar<const float>);

// BatchLike: what is taken as a batch.
static_assert(BatchLike<batch<float>> && BatchLike<Eigen::MatrixXd> && BatchLike<batch_view<const float>>);
static_assert(BatchLike<decltype(std::declval<batch<float>&>().leftCols(1))>);
static_assert(!BatchLike<Eigen::MatrixXi> && !BatchLike<std::vector<float>> && !BatchLike<nothing>);

// NoiseSource: standard normals for a step of a run.
struct zeros {
    void normal(batch_view<float> out, isize, isize) {
        for (isize n = 0; n < out.columns(); ++n) {
            for (isize i = 0; i < out.rows(); ++i) {
                out(i, n) = 0;
            }
        }
    }
};
struct changes_its_view {
    void normal(batch_view<float>& out, isize, isize);
};
static_assert(NoiseSource<zeros> && NoiseSource<philox_noise, double> && NoiseSource<torch_noise>);
static_assert(!NoiseSource<zeros, double> && !NoiseSource<const zeros> && !NoiseSource<changes_its_view>);
static_assert(!NoiseSource<nothing>);

// NoisePath: a process in time, whose increments a run uses for its steps.
struct flat_path : zeros {
    bool asked = false;
    void normal_between(batch_view<float> out, double /*from*/, double /*to*/, isize first_sample) {
        asked = true;
        normal(out, 0, first_sample);
    }
    // Only the library's own sources change draws: a run does not call this.
    void change(batch_view<float>, isize, batch_view<const float>) {
        throw value_error("flat_path", "change", "not called", "called");
    }
};
struct path_without_end : zeros {
    void normal_between(batch_view<float> out, double from, isize first_sample);
};
static_assert(NoisePath<flat_path> && NoisePath<brownian_tree> && NoisePath<const brownian_tree, double>);
static_assert(!NoisePath<flat_path, double> && !NoisePath<const flat_path> && !NoisePath<philox_noise>);
static_assert(!NoisePath<zeros> && !NoisePath<path_without_end> && !NoisePath<nothing>);

// BetaSchedule and AlphaBarCurve: what a schedule is made from; TablePolicy: its arithmetic.
struct constant_beta {
    double operator()(isize, isize) const { return 0.01; }
};
struct straight_curve {
    double operator()(double u) const { return 1 - 0.9 * u; }
};
struct double_tables {
    using real = double;
};
struct whole_tables {
    using real = int;
};
static_assert(BetaSchedule<constant_beta> && BetaSchedule<linear_beta> && BetaSchedule<cosine_beta>);
static_assert(BetaSchedule<alpha_bar_beta<straight_curve>>);
static_assert(!BetaSchedule<straight_curve> && !BetaSchedule<nothing>);
static_assert(AlphaBarCurve<straight_curve> && !AlphaBarCurve<constant_beta> && !AlphaBarCurve<nothing>);
static_assert(TablePolicy<double_tables> && TablePolicy<exact_tables> && TablePolicy<float32_tables>);
static_assert(!TablePolicy<whole_tables>);

// NoiseSchedule: discrete time; ContinuousSchedule and InvertibleSchedule: continuous; NoiseProcess: either.
struct two_steps {
    isize steps() const { return 2; }
    double alpha_bar(isize t) const { return t == 0 ? 0.9 : 0.5; }
};
struct straight_path {
    noise_level<double> level(double u) const { return {1 - u, u}; }
};
struct invertible_path : straight_path {
    double time_of(double ratio) const { return ratio / (1 + ratio); }
};
struct without_alpha_bar {
    isize steps() const;
};
struct path_in_thousandths : straight_path {
    double model_time(double u) const { return 1000 * u; }
    time_range times() const { return {0.125, 1}; }
};
struct single_precision_path {
    noise_level<float> level(double u) const;
};
static_assert(NoiseSchedule<two_steps> && NoiseSchedule<noise_schedule<exact_tables>> && NoiseSchedule<two_steps&>);
static_assert(!NoiseSchedule<without_alpha_bar> && !NoiseSchedule<straight_path> && !NoiseSchedule<linear_beta>);
static_assert(ContinuousSchedule<straight_path> && ContinuousSchedule<rectified_flow>);
static_assert(!ContinuousSchedule<single_precision_path> && !ContinuousSchedule<two_steps>);
static_assert(InvertibleSchedule<invertible_path> && InvertibleSchedule<rectified_flow>);
static_assert(!InvertibleSchedule<straight_path>);
static_assert(NoiseProcess<two_steps> && NoiseProcess<straight_path> && !NoiseProcess<nothing>);

// LogSnrCurve: makes a continuous schedule from ln(α²/σ²).
struct falling_curve {
    double operator()(double u) const { return 10 - 20 * u; }
};
static_assert(LogSnrCurve<falling_curve> && !LogSnrCurve<nothing> && !LogSnrCurve<constant_beta>);

// Predictor: reads x_t and t, fills out. EpsilonPredictor: says nothing else of itself.
struct half_of_xt {
    void operator()(batch_view<const float> xt, std::span<const double>, const model_output<float>& out) const {
        for (isize n = 0; n < xt.columns(); ++n) {
            for (isize i = 0; i < xt.rows(); ++i) {
                out.prediction(i, n) = xt(i, n) / 2;
            }
        }
    }
};
struct half_as_x0 : half_of_xt {
    prediction predicts() const { return prediction::x0; }
};
struct half_of_pairs : half_of_xt {
    sample_shape shape() const { return 2; }
};
struct makes_sessions {
    half_of_xt session(isize) const { return {}; }
};
struct without_times {
    void operator()(batch_view<const float> xt, const model_output<float>& out) const;
};
struct changes_its_output {
    void operator()(batch_view<const float> xt, std::span<const double> t, model_output<float>& out) const;
};
static_assert(Predictor<half_of_xt, float> && !Predictor<half_of_xt, double> && !Predictor<makes_sessions, float>);
static_assert(!Predictor<without_times, float> && !Predictor<changes_its_output, float> && !Predictor<nothing, float>);
static_assert(EpsilonPredictor<half_of_xt, float> && !EpsilonPredictor<half_as_x0, float>);

// SessionMaker: makes a predictor for each run; PredictorLike: a predictor or what makes one; every Network is.
static_assert(SessionMaker<makes_sessions> && SessionMaker<line_network<float>> && !SessionMaker<half_of_xt>);
static_assert(PredictorLike<half_of_xt, float> && PredictorLike<const half_of_xt&, float>);
static_assert(PredictorLike<makes_sessions, float> && PredictorLike<line_network<double>, double>);
static_assert(!PredictorLike<line_network<double>, float> && !PredictorLike<nothing, float>);

// AdaptablePredictor: what adaptors accept, of either scalar. Naming an adaptor of a type that is not complete is allowed.
struct changes_itself {
    void operator()(batch_view<const double> xt, std::span<const double> t, const model_output<double>& out);
};
struct for_either_scalar {
    template <Scalar S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) const;
};
struct for_either_scalar_at_last final : for_either_scalar {};
struct adapts_itself {
    void operator()(batch_view<const float> xt, std::span<const double> t, const model_output<float>& out) const;
    [[nodiscard]] predicting<const adapts_itself&> of_x0() const { return predicts(*this, prediction::x0); }
};
struct not_complete;
using of_doubles = void(batch_view<const double> xt, std::span<const double> t, const model_output<double>& out);
constexpr auto of_doubles_only = [](auto xt, auto, const auto& out) {
    out.prediction.array() = xt.array() / batch<double>::Constant(xt.rows(), xt.columns(), 2);
};
static_assert(AdaptablePredictor<half_of_xt> && AdaptablePredictor<const half_of_xt&> &&
              AdaptablePredictor<makes_sessions>);
static_assert(AdaptablePredictor<changes_itself&> && !AdaptablePredictor<const changes_itself&>);
static_assert(AdaptablePredictor<for_either_scalar> && AdaptablePredictor<for_either_scalar_at_last>);
static_assert(AdaptablePredictor<decltype(of_doubles_only)> && AdaptablePredictor<adapts_itself&>);
static_assert(AdaptablePredictor<of_doubles&> && AdaptablePredictor<of_doubles*>);
static_assert(AdaptablePredictor<std::function<of_doubles>>);
static_assert(AdaptablePredictor<line_network<double>&> && AdaptablePredictor<predicting<half_of_xt>>);
static_assert(!AdaptablePredictor<nothing> && !AdaptablePredictor<without_times> && !AdaptablePredictor<int>);
static_assert(!AdaptablePredictor<not_complete&> && !AdaptablePredictor<void>);

// DifferentiablePredictor and DifferentiableLike: multiply with their Jacobian.
struct half_with_jacobian : half_of_xt {
    void vector_jacobian(batch_view<const float>, std::span<const double>, batch_view<const float> v,
                         batch_view<float> out) const {
        half_of_xt{}(v, {}, {out, {}});
    }
};
static_assert(DifferentiablePredictor<half_with_jacobian, float> && !DifferentiablePredictor<half_of_xt, float>);
static_assert(DifferentiableLike<half_with_jacobian&, float> && DifferentiableLike<line_network<float>, float>);
static_assert(!DifferentiableLike<makes_sessions, float>);

// LogGradient, GradientLike: of a classifier; AdaptableGradient: what guidance by a classifier accepts, of either scalar.
struct no_gradient {
    void operator()(batch_view<const float> xt, std::span<const double>, batch_view<float> out) const {
        half_of_xt{}(xt, {}, {out, {}});
    }
};
struct makes_gradients {
    no_gradient session(isize) const { return {}; }
};
static_assert(LogGradient<no_gradient, float> && !LogGradient<no_gradient, double> && !LogGradient<nothing, float>);
static_assert(AdaptableGradient<no_gradient> && AdaptableGradient<const no_gradient&>);
static_assert(AdaptableGradient<makes_gradients>);
static_assert(GradientLike<const makes_gradients, float> && !GradientLike<no_gradient, double>);
static_assert(!AdaptableGradient<nothing> && !AdaptableGradient<half_of_xt> && !AdaptableGradient<int>);

// Layer: names its scalar and visits its parameters; Network: also plans, goes forward and backward.
struct no_parameters {
    using scalar = float;
    template <class Self, class Visitor>
    static void visit(Self&, Visitor&&) {}
};
struct whole_numbers {
    using scalar = int;
    template <class Self, class Visitor>
    static void visit(Self&, Visitor&&) {}
};
struct network_without_base : line_network<float> {
    bool has_variance_head() const = delete;
};
static_assert(Layer<no_parameters> && Layer<line_network<float>> && !Layer<whole_numbers> && !Layer<nothing>);
static_assert(Network<line_network<float>> && Network<told_network<double>> && Network<nn::mlp<float>>);
static_assert(Network<nn::unet<float>> && !Network<no_parameters> && !Network<network_without_base>);
static_assert(ForwardNetwork<line_network<float>> && ForwardNetwork<nn::packed_unet<float>>);
static_assert(!ForwardNetwork<no_parameters> && !ForwardNetwork<half_of_xt>);
static_assert(!Network<nn::packed_unet<float>>);
static_assert(diffusers::UnetLike<nn::unet<float>> && !diffusers::UnetLike<line_network<float>>);
static_assert(!diffusers::UnetLike<nothing>);
struct has_options : no_parameters {
    [[nodiscard]] const nn::unet_options& options() const { return kept; }
    nn::unet_options kept{};
};
static_assert(diffusers::UnetLike<has_options>);

// AffineLayer: has weights, biases and inputs; Initializer: sets them.
struct scale_and_shift {
    nn::tensor<float> weight{{1, 1}}, bias{{1}};
    [[nodiscard]] isize inputs() const { return 1; }
};
struct leaves_zeros {
    void layer(nn::AffineLayer auto&) const {}
    void last_layer(nn::AffineLayer auto&) const {}
    template <Scalar S>
    void normal(double, nn::tensor<S>&) const {}
};
static_assert(nn::AffineLayer<scale_and_shift> && nn::AffineLayer<nn::dense<double>> &&
              nn::AffineLayer<nn::conv2d<float>>);
static_assert(!nn::AffineLayer<nn::group_norm<float>> && !nn::AffineLayer<nothing>);
static_assert(nn::Initializer<leaves_zeros, float> && nn::Initializer<nn::initializer, double>);
static_assert(nn::Initializer<nn::torch_initializer, float> && !nn::Initializer<nothing, float>);

// TakesCondition: can be told a label, a vector or maps; TakesInput: its sessions are called with what they are told.
static_assert(TakesCondition<line_network<float>> && TakesCondition<told_network<float>>);
static_assert(!TakesCondition<half_of_xt> && !TakesCondition<makes_sessions>);
static_assert(TakesInput<told_network<float>> && TakesInput<predicting<const told_network<double>&>>);
static_assert(!TakesInput<makes_sessions> && !TakesInput<half_of_xt> && !TakesInput<nothing>);

// TrainingLoss and VarianceLoss: what a trainer minimizes; WeighsElements: counts weights of elements.
struct zero_loss {
    double operator()(const auto&, prediction, const auto&, batch_view<const float>, batch_view<float> gradient) const {
        zeros{}.normal(gradient, 0, 0);
        return 0;
    }
};
struct zero_variance_loss {
    double operator()(const auto&, prediction, const auto&, batch_view<const float>, batch_view<const float>,
                      batch_view<float>, batch_view<float>) const {
        return 0;
    }
};
static_assert(TrainingLoss<zero_loss, two_steps, float> && TrainingLoss<mse_loss, straight_path, double>);
static_assert(!TrainingLoss<zero_loss, two_steps, double> && !TrainingLoss<zero_variance_loss, two_steps, float>);
static_assert(VarianceLoss<zero_variance_loss, two_steps, float> && VarianceLoss<hybrid_loss, two_steps, float>);
static_assert(!VarianceLoss<zero_loss, two_steps, float> && !VarianceLoss<hybrid_loss, straight_path, float>);
static_assert(VarianceLoss<basic_hybrid_loss<zero_loss>, two_steps, float>);
static_assert(!VarianceLoss<basic_hybrid_loss<zero_loss>, two_steps, double>);
static_assert(!VarianceLoss<basic_hybrid_loss<nothing>, two_steps, float>);
struct named_loss : zero_loss {
    const char* text() const { return "named"; }
};
static_assert(LossWithText<named_loss> && !LossWithText<zero_loss>);
static_assert(WeighsElements<mse_loss> && !WeighsElements<zero_loss>);
static_assert(WeighsElements<hybrid_loss> && !WeighsElements<basic_hybrid_loss<zero_loss>>);

// A loss that refuses times and data, of a discrete schedule or in single precision only.
struct refusing_loss : zero_loss {
    template <NoiseSchedule Schedule>
    void require_time(const Schedule&, prediction, isize t) const {
        if (t > 1) {
            throw value_error("refusing_loss", "t", "<= 1", t);
        }
    }
    void require_data(batch_view<const float>) const {}
};

// MonotoneCurve: what a learned schedule is made of.
struct straight_line : no_parameters {
    curve_point operator()(double t) const { return {t, 1}; }
    void backward(double, double, double, straight_line&) const {}
};
static_assert(MonotoneCurve<straight_line> && MonotoneCurve<monotone_network<double>>);
static_assert(!MonotoneCurve<falling_curve>);

// Sampler: makes a plan over a grid.
struct ddim_by_another_name {
    sampling_plan plan(const time_grid& grid) const { return ddim{}.plan(grid); }
};
static_assert(Sampler<ddim_by_another_name> && Sampler<ddim> && Sampler<any_sampler> && !Sampler<nothing>);

// BatchSource: yields a data set part by part; DataSet: one batch, or such a source.
struct one_part {
    bool done = false;
    batch<float> operator()() {
        return std::exchange(done, true) ? batch<float>() : batch<float>(batch<float>::Constant(4, 2, 0.5F));
    }
};
static_assert(BatchSource<one_part> && DataSet<one_part> && DataSet<batch<double>>);
static_assert(!BatchSource<batch<float>> && !BatchSource<nothing> && !DataSet<std::string>);

// The smallest types meet the templates, room by room.
const two_steps discrete;
const straight_path continuous;
const invertible_path invertible;
const half_of_xt predictor;
const line_network<float> net;
const told_network<float> told(2);
const ddim_by_another_name sampler;
zeros noise;
const std::array<isize, 2> timesteps{1, 0};
const std::array<double, 2> numbers{0.5, 0.25};
const batch<float> four_samples = batch<float>::NullaryExpr(4, 4, [](isize i, isize n) { return i == n ? 0.5F : 0; });
const batch_view<const float> x = four_samples;

void meet_core_and_kernels() {
    batch<float> out(4, 4), other(4, 4);
    nchw_to_batch(x, {1, 2, 2}, batch_view<float>(out));
    batch_to_nchw(x, {1, 2, 2}, batch_view<float>(out));
    kernels::exp(x, out);
    kernels::log(x, out);
    kernels::sin(x, out);
    kernels::cos(x, out);
    kernels::sincos(x, out, other);
    kernels::tanh(x, out);
    kernels::sigmoid(x, out);
    kernels::rsqrt(x, out);

    program::backwards own;
    set_executor(&own);
    isize sum = 0;
    parallel_for(10, 4, [&](isize first, isize last) { sum = 100 * sum + 10 * first + last; });
    set_executor(nullptr);
    if (own.tasks != 3 || sum != (100 * 90 + 48) * 100 + 4) {
        throw value_error("meet_core_and_kernels", "sum of the tasks from the last", "904804", sum);
    }
}

void meet_schedule_and_grid() {
    const noise_schedule<double_tables> made(constant_beta{}, 2);
    const noise_schedule<exact_tables> from_curve(alpha_bar_beta<straight_curve>{}, 2);
    static_cast<void>(zero_terminal_snr(constant_beta{}, 2));
    require_timestep("meet", discrete, 1);
    require_earlier("meet", discrete, 0, 1);
    require_earlier("meet", continuous, 0.25, 0.5);
    require_time("meet", continuous, 0.5);
    static_cast<void>(alpha_bar_or_one(discrete, 1));
    static_cast<void>(noise_level_at(discrete, 1));
    static_cast<void>(noise_level_at(continuous, 0.5));
    static_cast<void>(transition_at(discrete, 0, 1));
    static_cast<void>(transition_at(continuous, 0.25, 0.5));
    static_cast<void>(posterior_at(discrete, 0, 1));
    static_cast<void>(posterior_at(continuous, 0.25, 0.5));
    static_cast<void>(model_time_at(discrete, 1));
    static_cast<void>(model_time_at(continuous, 0.5));
    static_cast<void>(times_of(continuous));
    static_cast<void>(model_time_at(path_in_thousandths{}, times_of(path_in_thousandths{}).first));
    static_cast<void>(level_slope_at(continuous, 0.5));
    static_cast<void>(log_snr_slope_at(continuous, 0.5));
    const log_snr_schedule<falling_curve> of_curve{falling_curve{}};
    static_cast<void>(log_snr_schedule<shifted_log_snr<falling_curve>>{{{}, 32, 64}}.level(0.5));
    static_cast<void>(log_snr_schedule<interpolated_log_snr<falling_curve>>{{{}, 32, 64, 128}}.level(0.5));

    const respaced_schedule<exact_tables> shorter = respaced(discrete, timesteps);
    static_cast<void>(noise_path(invertible));
    static_cast<void>(noise_path(discrete));
    static_cast<void>(level_function(discrete));
    static_cast<void>(make_grid(discrete, timesteps));
    static_cast<void>(make_grid(of_curve, numbers));
    static_cast<void>(sigma_grid(discrete, numbers));
    static_cast<void>(sigma_table(discrete));
    static_cast<void>(sigma_grid(invertible, numbers));
}

void meet_process() {
    const batch<float> xt = q_sample(discrete, x, 1, x);
    static_cast<void>(q_sample(continuous, x, 0.5, x));
    static_cast<void>(q_mean_variance(discrete, x, 1));
    static_cast<void>(q_sample_backward(discrete, x, 1, x, x));
    static_cast<void>(time_gradient(continuous, 0.5, {1, 1}));
    static_cast<void>(convert(continuous, prediction::epsilon, prediction::x0, x, 0.5, x));
    static_cast<void>(q_posterior(discrete, x, xt, 1));
    static_cast<void>(q_posterior(continuous, x, xt, 0.5, 0.25));
    static_cast<void>(p_mean_variance(discrete, prediction::x0, x, x, 1));
    static_cast<void>(p_mean_variance(continuous, prediction::x0, x, x, 0.5, 0.25));
    static_cast<void>(
        p_mean_variance(discrete, prediction::x0, x, x, x, 1, {.variance = reverse_variance::learned_range}));
    static_cast<void>(q_step(discrete, x, 1, x));
    static_cast<void>(q_step_mean_variance(discrete, x, 1));
    static_cast<void>(q_transition(continuous, x, 0.25, 0.5, x));
    static_cast<void>(q_transition_mean_variance(continuous, x, 0.25, 0.5));
    static_cast<void>(reverse_variance_at(discrete, reverse_variance::fixed_small, 1, 0));
    static_cast<void>(reverse_log_variance_at(continuous, reverse_variance::fixed_small, 0.5, 0.25));
    static_cast<void>(head_variance_at(discrete, reverse_variance::learned_range, 1, 0));
}

void meet_predictor() {
    const sample_options options{.steps = 2, .count = 2, .shape = 4};
    const auto draw = [&](auto adapted) { static_cast<void>(sample(ddim{}, discrete, adapted, options)); };
    const std::array<isize, 1> label{0};
    const condition<float> given{.labels = label, .vectors = batch_view<const float>(four_samples.data(), 2, 1)};
    draw(predicts(predictor, prediction::x0));
    draw(converted(predictor, prediction::x0, discrete));
    draw(guided(predictor, half_of_xt{}, 2));
    draw(autoguided(predictor, makes_sessions{}, 2));
    draw(projected_guided(predictor, predictor));
    draw(classifier_guided(predictor, no_gradient{}, discrete));
    draw(classifier_guided(makes_sessions{}, makes_gradients{}, discrete));
    draw(conditioned(self_conditioned(told, discrete), given));
    static_cast<void>(edm_preconditioned(predictor).session(2));
    static_cast<void>(sample<double>(ddim{}, discrete, predicts(of_doubles_only, prediction::x0), options));
    static_cast<void>(network_session<line_network<float>>(net, 2));
    static_cast<void>(prediction_of(predictor));
    static_cast<void>(shape_of(predictor));
    static_cast<void>(session_of(predictor, 2));
    const makes_gradients gradients;
    static_cast<void>(gradient_session_of(gradients, 2));
    static_cast<void>(sample(ddim{}, discrete, guided(half_of_pairs{}, half_of_pairs{}, 2), {.steps = 2, .count = 2}));

    const auto mixture = gaussian_mixture::isotropic({1}, batch<double>::Zero(4, 1), {1});
    const noise_level<double> level{0.5, 0.5};
    static_cast<void>(log_density(mixture, x, level));
    static_cast<void>(responsibilities(mixture, x, level));
    static_cast<void>(epsilon_given_xt(mixture, x, level));
    static_cast<void>(x0_given_xt(mixture, x, level));
}

void meet_sampler() {
    const sample_options options{.steps = 2, .count = 2, .shape = 4};
    static_cast<void>(timesteps_of(discrete, options));
    static_cast<void>(initial_samples<float>(predictor, options, noise, 2));
    static_cast<void>(sample(sampler, discrete, predictor, options));
    static_cast<void>(sample(ddim{}, discrete, makes_sessions{}, options, noise));
    static_cast<void>(sample(any_sampler(sampler), discrete, net, options));
    flat_path path;
    static_cast<void>(sample(ancestral{}, discrete, predictor, options, path));
    if (!path.asked) {
        throw value_error("meet_sampler", "noise of the steps", "that of the path", "other");
    }

    const time_grid grid = make_grid(discrete, timesteps);
    const sampling_plan plan = make_plan(sampler, discrete, timesteps);
    sampling_run<float, const half_of_xt, zeros> run(plan, predictor, noise, four_samples);
    static_cast<void>(run.advance() && run.step());
    static_cast<void>(denoise_from<float>(plan, predictor, four_samples, noise));
    static_cast<void>(denoise_from<float>(predictor_corrector{}, make_grid(discrete, timesteps, grid_end::least_noise),
                                          predictor, four_samples, noise));
    const auto point_at = [](double lambda) { return grid_point{lambda, level_of_log_snr(2 * lambda)}; };
    static_cast<void>(denoise_from<float>(adaptive_dpm_solver{}, point_at, -1, 1, predictor, four_samples));
    static_cast<void>(
        denoise_with_gradient<float>(ancestral{}.plan(grid), predictor, no_gradient{}, 1, four_samples, noise));
    static_cast<void>(noised_to({0.5, 0.5}, x, noise));
    static_cast<void>(image_to_image(sampler, grid, predictor, x, 1, noise));
    static_cast<void>(inpaint<float>(plan, predictor, {x, x}, four_samples, noise));
    static_cast<void>(slerp(x, x, 0.5));
    static_cast<void>(interpolate(sampler, grid, predictor, x, x, 0.5, 1, noise));
    static_cast<void>(invert(ddim_inversion{}, grid, predictor, x));
}

void meet_loss_and_likelihood() {
    std::array<double, 4> values{};
    require_in_range("meet", discretized_decoder{}, x);
    log_likelihood(discretized_decoder{}, x, x, x, values);
    static_cast<void>(kl_diagonal_gaussians(x, x, x, x));
    vlb_loss{}.require_data(x);
    basic_hybrid_loss<zero_loss>{}.require_data(x);
    static_cast<void>(kl_weight(discrete, prediction::epsilon, 1));
    static_cast<void>(weight_at(discrete, snr_weighting{}, prediction::epsilon, 1));
    weighted_mse(x, x, 1.0, values);

    static_cast<void>(bound_step_at(discrete, prediction::x0, reverse_variance::fixed_small, 1, 0));
    prior_kl(discrete, x, 1, values);
    static_cast<void>(step_cost(discrete, numbers));
    static_cast<void>(optimal_timesteps(discrete, numbers, 1));
    static_cast<void>(variational_bound(discrete, predictor, one_part{}, bound_options{}));
    static_cast<void>(variational_bound(discrete, predictor, x, bound_options{}, noise));
    static_cast<void>(ode_likelihood(noise_path(invertible), sigma_range{0.01, 80}, half_with_jacobian{}, x));
}

void meet_metrics() {
    static_cast<void>(density_coverage(x, x, 1));
    static_cast<void>(energy_distance(x, x));
    static_cast<void>(fit_gaussian(x));
    static_cast<void>(frechet_distance(x, x));
    static_cast<void>(kernel_distance(x, x));
    static_cast<void>(median_distance(x, x));
    static_cast<void>(nearest_neighbour_distances(x, x));
    static_cast<void>(mean_nearest_neighbour_distance(x, x));
    static_cast<void>(precision_recall(x, x, 1));
    static_cast<void>(sliced_wasserstein(x, x));
    static_cast<void>(squared_mmd(x, x));
}

void meet_nn_and_train() {
    no_parameters none;
    scale_and_shift affine;
    nn::initializer(1).layer(affine);
    nn::torch_initializer(torch_generator(1)).last_layer(affine);
    leaves_zeros start;
    nn::embedding_mlp<float>(2, 2).start(start);
    static_cast<void>(nn::parameters(none));
    static_cast<void>(nn::parameter_count(none));
    static_cast<void>(nn::zeros_like(none));
    static_cast<void>(nn::set_products(none, nullptr));

    line_network<float> learned;
    trainer of_loss{learned, discrete, trainer_options{}, zero_loss{}};
    static_cast<void>(of_loss.fit(x, {.steps = 1}));
    line_network<float> in_time;
    trainer refusing{learned, discrete, trainer_options{}, refusing_loss{}};
    static_cast<void>(refusing.fit(x, {.steps = 1}));
    trainer refusing_in_time{in_time, continuous, trainer_options{}, refusing_loss{}};
    static_cast<void>(refusing_in_time.fit(x, {.steps = 1}));
    trainer of_time{in_time, continuous, trainer_options{}};
    static_cast<void>(of_time.fit(x, {.steps = 1}));
    static_cast<void>(edm_network<line_network<float>>(net));
    static_cast<void>(ema<no_parameters>(none));
    static_cast<void>(time_sampler<two_steps>(uniform_times{}, discrete, 1));
    static_cast<void>(time_sampler<straight_path>(uniform_times{}, continuous, 1));
    static_cast<void>(learned_schedule<straight_line>(straight_line{}));
    straight_line line;
    static_cast<void>(fixed_ends<straight_line>(line, -5, 5));
    static_cast<void>(schedule_trainer<straight_line>(line).step(line));
}

void meet_files() {
    const ddpm::test::temporary_folder folder;
    line_network<float> copy;
    save_parameters(folder / "parameters.safetensors", net);
    load_parameters(folder / "parameters.safetensors", copy);
    io::write_npy(folder / "samples.npy", x);
    static_cast<void>(io::image_grid(x, {1, 2, 2}));

    const diffusers::scheduler_config config;
    diffusers::save_weights(folder / ".", net);
    diffusers::load_weights(folder / ".", copy);
    diffusers::write_pipeline(folder / "pipeline", has_options{}, config);
    static_cast<void>(diffusers::make_schedule<double_tables>(config));
    static_cast<void>(diffusers::scheduler_plan(config, discrete, timesteps));
    const diffusers::scheduler_run run = diffusers::make_scheduler_run<double_tables>(config, 2);
    static_cast<void>(diffusers::denoise_from(run, predictor, four_samples, noise));
    static_cast<void>(diffusers::sample(run, predictor, {.count = 2, .shape = 4}));
}

}  // namespace

int main() {
    meet_core_and_kernels();
    meet_schedule_and_grid();
    meet_process();
    meet_predictor();
    meet_sampler();
    meet_loss_and_likelihood();
    meet_metrics();
    meet_nn_and_train();
    meet_files();
}
