# What a newcomer reads first when a part of a run has a wrong signature: the compiler's first error names the one that is
# wanted. Each program here is wrong in one place but the first, which is right.
# Given: source, the project's folder; compiler; eigen, its include folder; work, a folder for programs.

set(sum "[](auto xt, auto, const auto& out) { out.prediction.array() = xt.array(); }")
set(predictor "wanted is a predictor that is called as predictor(batch_view<const S> xt")
set(noise "wanted is a noise source with a member normal(batch_view<S> out, isize step, isize first_sample)")
set(sampler "wanted is a sampler with a member sampling_plan plan(const time_grid& grid) const")
set(network "the network is no Network. It must be copyable, derive from ddpm::network_base, and have: scalar; workspace; shape() const")

# What stands before the program is the third argument, if there is one.
function(check expected statement)
    file(WRITE "${work}/program.cpp" "#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/inpaint.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
${ARGV2}
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
    execute_process(COMMAND "${compiler}" -std=c++20 -fsyntax-only "-I${source}/include" -isystem "${eigen}"
        "${work}/program.cpp"
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

# A network without the base, and without one of its members.
function(check_network expected base backward)
    check("${expected}" "trainer(net, schedule).fit(x)" "#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/train/trainer.hpp>
struct network ${base} {
    using scalar = float;
    struct workspace {};
    ddpm::nn::tensor<float> weight{{2}};
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
check_network("" ": ddpm::network_base" "${backward}")
check_network("${network}" "" "${backward}")
check_network("${network}" ": ddpm::network_base" "")
