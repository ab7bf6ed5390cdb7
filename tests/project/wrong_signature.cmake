# What a newcomer reads first when a part of a run has a wrong signature: the compiler's first error names the one that is
# wanted. Each program here is wrong in one place but the first, which is right.
# Given: source, the project's folder; compiler; eigen, its include folder; work, a folder for programs.

set(sum "[](auto xt, auto, const auto& out) { out.prediction.array() = xt.array(); }")
set(predictor "wanted is a predictor that is called as predictor(batch_view<const S> xt")
set(noise "wanted is a noise source with a member normal(batch_view<S> out, isize step, isize first_sample)")
set(sampler "wanted is a sampler with a member sampling_plan plan(const time_grid& grid) const")
set(network "the network is no Network. It must be copyable, derive from ddpm::network_base, and have: scalar; workspace; shape() const")

# What the programs include is compiled once; a compiler finds it beside the header. GCC reads much of it slowly: it is no
# more than needed.
set(compile "${compiler}" -std=c++20 "-I${source}/include" -isystem "${eigen}")
function(precompile name)
    set(text "")
    foreach(header IN LISTS ARGN)
        string(APPEND text "#include <ddpm/${header}.hpp>\n")
    endforeach()
    file(WRITE "${work}/${name}.hpp" "${text}")
    execute_process(COMMAND ${compile} -x c++-header "${work}/${name}.hpp" -o "${work}/${name}.hpp.gch"
        COMMAND_ERROR_IS_FATAL ANY)
endfunction()
precompile(sampling predictor/classifier_guidance predictor/conditioned predictor/converted predictor/guidance
    predictor/preconditioned predictor/predicts predictor/projected_guidance predictor/self_conditioning
    process/forward sampler/classifier_shift sampler/ddim sampler/inpaint sampler/sample schedule/level_slope schedule/noise_schedule)
precompile(training loss/hybrid nn/inference/packed_mlp nn/inference/packed_unet nn/memory/tensor sampler/ddim schedule/noise_schedule train/parameter_file train/trainer)
set(headers sampling)

# What stands before the program is the third argument, if there is one.
function(check expected statement)
    file(WRITE "${work}/program.cpp" "${ARGV2}
using namespace ddpm;
int main() {
    const noise_schedule schedule{cosine_beta{}, 10};
    const sampling_plan plan = make_plan(ddim{}, schedule, std::vector<ddpm::isize>{5});
    const batch<float> x = batch<float>::Zero(2, 2);
    philox_noise z(1, noise_stream::sampler);
    struct nothing {};
    static_cast<void>(${statement});
}
")
    execute_process(COMMAND ${compile} -include "${work}/${headers}.hpp" -fsyntax-only "${work}/program.cpp"
        OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE failed)
    string(REGEX MATCH "error:[^\n]*" first "${text}")
    if(expected STREQUAL "")
        if(failed)
            message(SEND_ERROR "${statement}\nexpected to compile, but:\n${text}")
        endif()
        return()
    endif()
    string(FIND "${first}" "${expected}" found)
    if(found EQUAL -1)
        message(SEND_ERROR "${statement}\nexpected first: ${expected}\ngot: ${first}")
    endif()
endfunction()

check("" "sample(ddim{}, schedule, ${sum}, {.steps = 3, .shape = 2}, z, [](const sample_step<float>&) { return true; })")
check("${predictor}" "sample(ddim{}, schedule, [](auto xt, auto t, auto& out) {}, {.steps = 3, .shape = 2})")
check("${predictor}" "sample(plan, [](int) {}, {.shape = 2}, z)")
check("${sampler}" "sample(nothing{}, schedule, ${sum}, {.steps = 3, .shape = 2})")
check("${noise}" "sample(ddim{}, schedule, ${sum}, {.steps = 3, .shape = 2}, nothing{})")
check("${predictor}" "denoise_from<float>(plan, nothing{}, x, z)")
check("${noise}" "denoise_from<float>(plan, ${sum}, x, nothing{})")
check("${predictor}" "inpaint<float>(plan, nothing{}, {x, x}, x, z)")

# A predictor that returns its prediction; a callback that does not say whether to go on; noise of another scalar.
check("${predictor}" "sample(ddim{}, schedule, [](auto xt, auto) { return batch<float>(xt.array()); }, {.steps = 3, .shape = 2})")
check("or in its place a callback that is called as bool(const sample_step<S>& step)"
    "sample(ddim{}, schedule, ${sum}, {.steps = 3, .shape = 2}, [](const sample_step<float>&) {})")
check("${noise}" "sample(ddim{}, schedule, ${sum}, {.steps = 3, .shape = 2}, wide)"
    "struct { void normal(ddpm::batch_view<double>, ddpm::isize, ddpm::isize) {} } wide;")

# A predictor that changes itself, as a const one.
check("${predictor}" "sample(ddim{}, schedule, counting, {.steps = 3, .shape = 2})" "const struct {
    void operator()(ddpm::batch_view<const float>, std::span<const double>, const ddpm::model_output<float>&) { ++calls; }
    int calls = 0;
} counting;")

# An optional member with another signature: not const, of another type, or no function.
function(check_predictor expected member)
    check("${expected}" "sample(ddim{}, schedule, own, {.steps = 3, .shape = 2})" "struct {
    void operator()(ddpm::batch_view<const float>, std::span<const double>, const ddpm::model_output<float>&) const {}
    ${member}
} own;")
    check("${expected}" "guided(${sum}, own, {.scale = 2})" "struct {
    void operator()(ddpm::batch_view<const float>, std::span<const double>, const ddpm::model_output<float>&) const {}
    ${member}
} own;")
endfunction()
set(predicts "wanted as the member predicts of a predictor is: prediction predicts() const")
set(shape "wanted as the member shape of a predictor is: sample_shape shape() const")
set(session "wanted as the member session of a predictor is a const one that returns a predictor")
check_predictor("" "ddpm::prediction predicts() const { return {}; }  ddpm::isize shape() const { return 2; }")
check_predictor("" "private: ddpm::sample_shape shape; int predicts() { return 0; }")
check_predictor("${predicts}" "ddpm::prediction predicts() { return {}; }")
check_predictor("${predicts}" "int predicts() const { return 1; }")
check_predictor("${predicts}" "ddpm::prediction predicts(double t) const { return {}; }")
check_predictor("${predicts}" "ddpm::prediction predicts = ddpm::prediction::x0;")
check_predictor("${shape}" "ddpm::sample_shape shape() { return 2; }")
check_predictor("${shape}" "std::vector<int> shape() const { return {2}; }")
check_predictor("${session}" "int session(ddpm::isize samples) { return 0; }")

function(check_schedule expected call member)
    check("${expected}" "${call}" "struct {
    ddpm::noise_level<double> level(double u) const { return {1 - u, u}; }
    ${member}
} path;")
endfunction()
check_schedule("" "model_time_at(path, times_of(path).last)"
    "float model_time(double u) const { return 1; }  ddpm::time_range times() const { return {}; }")
check_schedule("wanted as the member model_time of a schedule is: double model_time(double u) const" "model_time_at(path, 0.5)"
    "double model_time(double u) { return 1000 * u; }")
check_schedule("wanted as the member times of a schedule is: time_range times() const" "times_of(path)"
    "std::pair<double, double> times() const { return {0, 80}; }")
check_schedule("wanted as the member times of a schedule is: time_range times() const" "level_slope_at(path, 0.5)"
    "ddpm::time_range times{0, 80};")
check_schedule("wanted as the member level_slope of a schedule is: noise_level<double> level_slope(double u) const"
    "level_slope_at(path, 0.5)" "double level_slope(double u) const { return 1; }")
check_schedule("wanted as the member log_snr_slope of a schedule is: double log_snr_slope(double u) const"
    "log_snr_slope_at(path, 0.5)" "double log_snr_slope(double u) { return -1; }")

set(between "wanted as the member normal_between of a noise source is: void normal_between(batch_view<S> out, double from")
check("${between}" "sample(ddim{}, schedule, ${sum}, {.steps = 3, .shape = 2}, path)" "struct {
    void normal(ddpm::batch_view<float>, ddpm::isize, ddpm::isize) {}
    void normal_between(ddpm::batch_view<float>, double from, double to) {}
} path;")
check("${between}" "sampling_run<float, decltype(zero), decltype(path)>(plan, zero, path, batch<float>(x))" "struct {
    void normal(ddpm::batch_view<float>, ddpm::isize, ddpm::isize) {}
    void normal_between(ddpm::batch_view<float>, double from, double to) {}
} path;
struct {
    void operator()(ddpm::batch_view<const float>, std::span<const double>, const ddpm::model_output<float>&) const {}
} zero;")

# What is adapted: the adaptor says it, before a sampler does. A generic callable may be for one scalar only.
set(adaptable "${predictor}, std::span<const double> t, const model_output<S>& out) with S = float or S = double")
set(halves "[](auto xt, auto, const auto& out) { out.prediction.array() = xt.array() / batch<double>::Ones(2, 1); }")
check("" "sample<double>(ddim{}, schedule, guided(${halves}, predicts(${halves}, prediction::epsilon), {.scale = 2}), {.shape = 2})")
check("${adaptable}" "predicts(nothing{}, prediction::v)")
check("${adaptable}" "predicting(nothing{}, prediction::v)")
check("${adaptable}" "sample(ddim{}, schedule, converted([](int) {}, prediction::x0, schedule), {.shape = 2})")
check("${adaptable}" "guided(${sum}, 3, {.scale = 2})")
check("${adaptable}" "autoguided(nothing{}, ${sum}, 2)")
check("${adaptable}" "projected_guided(${sum}, nothing{})")
check("${adaptable}" "edm_preconditioned(nothing{})")
check("wanted is a gradient that is called as gradient(batch_view<const S> xt" "classifier_guided(${sum}, nothing{}, schedule)")
set(gradient_session "wanted as the member session of a gradient is a const one that returns a gradient")
set(own_gradient "struct {
    void operator()(ddpm::batch_view<const float>, std::span<const double>, ddpm::batch_view<float>) const {}
    int session(ddpm::isize samples) { return 0; }
} own;")
check("${gradient_session}" "classifier_guided(${sum}, own, schedule)" "${own_gradient}")
check("${gradient_session}" "denoise_with_gradient<float>(plan, ${sum}, own, 1, x, z)" "${own_gradient}")
check("wanted is a gradient that is called as gradient(batch_view<const S> xt"
    "denoise_with_gradient<float>(plan, ${sum}, nothing{}, 1, x, z)")
check("wanted is a network, or an adaptor of one" "conditioned(${sum}, condition<float>{})")
check("wanted is a network, or `predicts` of one" "self_conditioned(${sum}, schedule)")

# A schedule without a member; a beta of one argument.
check("wanted, after the sampler, is a time_grid or a schedule with const members steps() and alpha_bar(t)"
    "sample(ddim{}, beginning, ${sum}, {.steps = 3, .shape = 2})" "struct { ddpm::isize steps() const { return 3; } } beginning;")
check("wanted is a beta that is called as const: double beta(isize t, isize steps)"
    "noise_schedule([](double t) { return t / 10; }, 10)")

# A number for a batch, a batch for a schedule, a temporary for the output.
check("wanted, after the schedule, is a batch: a D x N array or batch_view of float or double" "q_sample(schedule, 3, 5, x)")
check("wanted is a schedule with const members steps() and alpha_bar(t)" "q_sample(x, x, 5, x)")
check("wanted as an output is a batch that outlives the call" "z.normal<float>(batch<float>(2, 2), 0)")

# Batches of double among those of float.
check("wanted is eps in the scalar of x0" "q_sample(schedule, x, 5, batch<double>(2, 2))")
check("wanted, after the predictor, is a batch of S in denoise_from<S>(...)"
    "denoise_from<float>(plan, ${sum}, batch<double>(2, 2), z)")

set(headers training)

# A network without the base, without one of its members, or with a layer that is none; the fifth argument is what is done
# with it, if it is not trained; the sixth stands before it.
function(check_network expected base backward layer)
    set(statement "trainer(net, schedule).fit(x)")
    if(ARGC GREATER 4)
        set(statement "${ARGV4}")
    endif()
    set(before "")
    if(ARGC GREATER 5)
        set(before "${ARGV5}")
    endif()
    check("${expected}" "${statement}" "struct nothing_at_all {};
${before}
struct network ${base} {
    using scalar = float;
    struct workspace {};
    ${layer} weight{{2}};
    ddpm::sample_shape shape() const { return 2; }
    workspace make_workspace(ddpm::isize, ddpm::pass) const { return {}; }
    void forward(const ddpm::network_input<float>&, ddpm::batch_view<float>, workspace&) const {}
    ${backward}
    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) { visitor(\"weight\", self.weight); }
} net;")
endfunction()
set(backward "void backward(const ddpm::network_input<float>&, ddpm::batch_view<const float>, workspace&, network&,
        ddpm::batch_view<float>) const {}")
set(layer "ddpm::nn::tensor<float>")
check_network("" ": ddpm::network_base" "${backward}" "${layer}")
check_network("${network}" "" "${backward}" "${layer}")
check_network("${network}" ": ddpm::network_base" "" "${layer}")
check_network("wanted is a layer with a static member visit(self, visitor), which calls visitor(name, member)"
    ": ddpm::network_base" "${backward}" "struct { int width; }")

check("wanted is a layer or network with a member type scalar and a static member visit(self, visitor)"
    "save_parameters(\"file\", x)")

# Data of another scalar, a loss that cannot be called, a schedule that is none.
check_network("the data must be a D x N array or batch_view of the network's scalar" ": ddpm::network_base" "${backward}"
    "${layer}" "trainer(net, schedule).fit(batch<double>(2, 2))")
check_network("the loss cannot be called. It must be callable as const" ": ddpm::network_base" "${backward}" "${layer}"
    "trainer(net, schedule, {}, nothing_at_all{})")
check_network("the schedule is no NoiseProcess. A discrete one has steps() const and alpha_bar(ddpm::isize t) const"
    ": ddpm::network_base" "${backward}" "${layer}" "trainer(net, 1000)")

# An optional member of a loss, also of one within another, that is not called.
function(check_loss expected loss member)
    check_network("${expected}" ": ddpm::network_base" "${backward}" "${layer}"
        "trainer(net, schedule, {}, ${loss}).fit(x)" "struct own_loss {
    double operator()(const auto&, ddpm::prediction, const auto&, ddpm::batch_view<const float>,
                      ddpm::batch_view<float>) const { return 0; }
    ${member}
};")
endfunction()
set(time "wanted as the member require_time of a loss is: void require_time(const Schedule& schedule, prediction kind")
set(data "wanted as the member require_data of a loss is: void require_data(batch_view<const S> x0, batch_view<const S> element")
set(text "wanted as the member text of a loss is: std::string text() const")
check_loss("" "own_loss{}" "void require_time(const auto&, ddpm::prediction, ddpm::isize) const {}
    void require_data(ddpm::batch_view<const float>) const {}")
check_loss("" "own_loss{}" "template <ddpm::ContinuousSchedule S> void require_time(const S&, ddpm::prediction, double) const {}")
check_loss("${time}" "own_loss{}" "void require_time(const auto&, ddpm::prediction, ddpm::isize) {}")
check_loss("${time}" "own_loss{}" "bool require_time(const auto&, ddpm::prediction, ddpm::isize) const { return true; }")
check_loss("${time}" "own_loss{}" "void require_time(ddpm::prediction, ddpm::isize) const {}")
check_loss("${data}" "own_loss{}" "void require_data(ddpm::batch_view<const float>) {}")
check_loss("${data}" "own_loss{}" "void require_data(ddpm::batch_view<const double>) const {}")
check_loss("" "own_loss{}" "const char* text() const { return \"own\"; }")
check_loss("${text}" "own_loss{}" "std::string text() { return \"own\"; }")
check_loss("${text}" "own_loss{}" "int text() const { return 1; }")
check_loss("${text}" "own_loss{}" "std::string text = \"own\";")
check_loss("${time}" "basic_hybrid_loss<own_loss>{}" "void require_time(const auto&, ddpm::prediction, ddpm::isize) {}")

# A packed network of another element.
check("" "sizeof(nn::packed_mlp<bfloat16>)")
check("wanted is float or bfloat16" "sizeof(nn::packed_mlp<double>)")
check("wanted is float or bfloat16" "sizeof(nn::packed_unet<double>)")
