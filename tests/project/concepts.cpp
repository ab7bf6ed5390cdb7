// Every public concept on one page: what meets it, what does not, and the smallest type that meets it run through the
// templates that ask for it. It only has to compile. Behaviour is tested beside each header's own test.
#include <ddpm/ddpm.hpp>

#include <support/smallest_networks.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

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

// LogGradient: of a classifier.
struct no_gradient {
    void operator()(batch_view<const float> xt, std::span<const double>, batch_view<float> out) const {
        half_of_xt{}(xt, {}, {out, {}});
    }
};
static_assert(LogGradient<no_gradient, float> && !LogGradient<no_gradient, double> && !LogGradient<nothing, float>);

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

// TakesCondition: can be told a label, a vector or maps.
static_assert(TakesCondition<line_network<float>> && TakesCondition<told_network<float>>);
static_assert(!TakesCondition<half_of_xt> && !TakesCondition<makes_sessions>);

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
static_assert(WeighsElements<mse_loss> && !WeighsElements<zero_loss>);

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

// The smallest types meet the templates.
[[maybe_unused]] void meet() {
    const noise_schedule<double_tables> made(constant_beta{}, 2);
    const noise_schedule<exact_tables> from_curve(alpha_bar_beta<straight_curve>{}, 2);
    const two_steps discrete;
    const straight_path continuous;
    const log_snr_schedule<falling_curve> of_curve{falling_curve{}};
    const double times[] = {1, 0.5, 0};
    const batch<float> x = batch<float>::Zero(4, 2);

    // process/ and grid/
    const batch<float> xt = q_sample(discrete, x, 1, x);
    static_cast<void>(q_sample(continuous, x, 0.5, x));
    static_cast<void>(q_posterior(discrete, x, xt, 1));
    static_cast<void>(noise_path(invertible_path{}));
    static_cast<void>(noise_path(discrete));
    static_cast<void>(level_function(discrete));
    static_cast<void>(make_grid(of_curve, times));

    // predictor/
    const half_of_xt predictor;
    const line_network<float> net;
    const told_network<float> told;
    static_cast<void>(predicts(predictor, prediction::x0));
    static_cast<void>(conditioned(told, condition<float>{}));

    // sampler/
    const sample_options options{.steps = 2, .count = 2, .shape = 4};
    zeros noise;
    static_cast<void>(sample(ddim_by_another_name{}, discrete, predictor, options));
    static_cast<void>(sample(ddim{}, discrete, makes_sessions{}, options, noise));
    static_cast<void>(sample(any_sampler(ddim_by_another_name{}), discrete, net, options));

    // likelihood/
    static_cast<void>(variational_bound(discrete, predictor, one_part{}, bound_options{}));
    static_cast<void>(ode_likelihood(noise_path(invertible_path{}), sigma_range{0.01, 80}, half_with_jacobian{}, x));

    // train/
    line_network<float> learned;
    trainer of_loss{learned, discrete, trainer_options{}, zero_loss{}};
    static_cast<void>(of_loss.fit(x, {.steps = 1}));
    line_network<float> in_time;
    trainer of_time{in_time, continuous, trainer_options{}};
    static_cast<void>(of_time.fit(x, {.steps = 1}));
    static_cast<void>(learned_schedule<straight_line>(straight_line{}));
}

}  // namespace
