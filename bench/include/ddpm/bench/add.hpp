// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/work.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/target.hpp>

#include <benchmark/benchmark.h>

#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::bench {

/// What a benchmark runs on.
struct setting {
    isize threads = 0;                              ///< 0: as many as the program was told to use
    std::optional<instruction_set> instructions{};  ///< without a value, the active one
};

/// Sets what a benchmark reports beside its time: items, bytes and flops per second, each where the work says so. Call
/// it after the loop over `state`.
inline void report(benchmark::State& state, const work& w) {
    using benchmark::Counter;
    const auto times = static_cast<double>(state.iterations());
    if (w.items > 0) {
        state.SetItemsProcessed(static_cast<std::int64_t>(w.items * times));
    }
    if (w.bytes_moved() > 0) {
        state.SetBytesProcessed(static_cast<std::int64_t>(w.bytes_moved() * times));
    }
    if (w.flops > 0) {
        state.counters["flops"] = Counter(w.flops, Counter::kIsIterationInvariantRate);
    }
}

/// What sets a benchmark up: `make()` returns the body, an object that does the work once when it is called without
/// arguments. `make` is called while const, the body while not; what the body returns is dropped.
template <class Make>
concept BodyMaker =
    std::move_constructible<Make> && std::invocable<const Make&> &&
    std::move_constructible<std::invoke_result_t<const Make&>> && std::is_object_v<std::invoke_result_t<const Make&>> &&
    std::invocable<std::invoke_result_t<const Make&>&>;

namespace detail {

/// How many threads the program was told to use.
inline isize& default_threads() {
    static isize threads = 1;
    return threads;
}

/// The body that ran last, kept so that the next trial of the same benchmark need not set it up again.
struct prepared_body {
    const void* owner = nullptr;
    std::shared_ptr<void> body;
};

inline prepared_body& last_prepared() {
    static prepared_body last;
    return last;
}

/// Sets up what `make` makes unless it is there already, and calls it once then: the first touch of memory is not the
/// work.
template <BodyMaker Make>
auto& prepare(const Make& make) {
    using body_type = decltype(make());
    prepared_body& last = last_prepared();
    if (last.owner != &make) {
        last = {};
        auto body = std::make_shared<body_type>(make());
        (*body)();
        last = {&make, body};
    }
    return *static_cast<body_type*>(last.body.get());
}

/// Makes the setting hold in a scope.
class scoped_setting {
public:
    explicit scoped_setting(const setting& chosen) : target_(chosen.instructions.value_or(simd_target())) {
        const isize threads = chosen.threads == 0 ? default_threads() : chosen.threads;
        if (threads != thread_count()) {
            set_thread_count(threads);
        }
    }

private:
    ddpm::detail::scoped_simd_target target_;
};

}  // namespace detail

/// One way to do the work of a case: the library's, without a name, or a peer's.
struct contender {
    std::string peer;
    std::function<void(benchmark::State&)> measure;
    bool manual_time = false;  ///< `measure` says itself how long it took
};

/// Work that is timed as the library does it, and as peers do. All of them run one after another in each round of the
/// measurement, so that their ratios stand on a machine whose speed drifts.
class bench_case {
public:
    bench_case(std::string name, const work& w, const setting& chosen)
        : name_(std::move(name)), work_(w), setting_(chosen) {}

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const work& what() const noexcept { return work_; }
    [[nodiscard]] const setting& where() const noexcept { return setting_; }
    [[nodiscard]] const std::vector<contender>& contenders() const noexcept { return contenders_; }

    /// Adds another way. `make()` sets it up, outside the measured time, and returns the body, a callable that does the
    /// work once.
    template <BodyMaker Make>
    bench_case& peer(const std::string& name, Make make) {
        const auto measure = [w = work_, s = setting_,
                              kept = std::make_shared<const Make>(std::move(make))](benchmark::State& state) {
            const detail::scoped_setting on(s);
            auto& body = detail::prepare(*kept);
            for ([[maybe_unused]] const auto _ : state) {
                body();
                benchmark::ClobberMemory();
            }
            report(state, w);
        };
        return peer_in_its_own_time({.peer = name, .measure = measure});
    }

    bench_case& peer_in_its_own_time(contender other) {
        contenders_.push_back(std::move(other));
        return *this;
    }

private:
    std::string name_;
    work work_;
    setting setting_;
    std::vector<contender> contenders_;
};

/// All cases of the program, in the order of their registration.
[[nodiscard]] inline std::deque<bench_case>& cases() {
    static std::deque<bench_case> all;
    return all;
}

/// Registers the benchmark `area/operation/size`, say "forward/q_sample/3072x64", for `run` (run.hpp) to run. `make()`
/// sets it up, outside the measured time, and returns the body, a callable that does the work once. Wall time counts,
/// since the library's own threads share the work.
/// @returns the case, to which peers can be added; it stays where it is
template <BodyMaker Make>
bench_case& add(const std::string& area, const std::string& operation, const std::string& size, const work& w,
                Make make, const setting& chosen = {}) {
    return cases().emplace_back(area + "/" + operation + "/" + size, w, chosen).peer("", std::move(make));
}

/// Registers benchmarks when the program starts, from any of its files. At namespace scope:
/// `const ddpm::bench::group mine{[] { ddpm::bench::add(…); }};`
class group {
public:
    explicit group(const std::function<void()>& registers) { registers(); }
};

}  // namespace ddpm::bench
