# What a newcomer reads first when a part of a run has a wrong signature: the compiler's first error names the one that is
# wanted. Each program here is wrong in one place but the first, which is right.
# Given: source, the project's folder; compiler; eigen, its include folder; work, a folder for programs.

set(sum "[](auto xt, auto, const auto& out) { out.prediction.array() = xt.array(); }")
set(predictor "wanted is a predictor that is called as predictor(batch_view<const S> xt")
set(noise "wanted is a noise source with a member normal(batch_view<S> out, isize step, isize first_sample)")
set(sampler "wanted is a sampler with a member sampling_plan plan(const time_grid& grid) const")

function(check expected statement)
    file(WRITE "${work}/program.cpp" "#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/inpaint.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
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
