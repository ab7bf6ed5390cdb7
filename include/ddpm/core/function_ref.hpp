// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace ddpm {

template <class Signature>
class function_ref;

/// A non-owning reference to a callable object: two pointers, no allocation. It calls the object that it was made from,
/// which must outlive it; made from a temporary in a call, it is valid until that call returns. A copy refers to the same
/// object. A function is no object: give a lambda that calls it, or a pointer to it. With a `Result` of void, what the
/// object returns is dropped.
template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref>) &&
                    std::is_object_v<std::remove_reference_t<F>> && std::is_invocable_r_v<Result, F&, Arguments...>
    function_ref(F&& f) noexcept
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* object, Arguments... arguments) -> Result {
              auto& callable = *static_cast<std::remove_reference_t<F>*>(object);
              if constexpr (std::is_void_v<Result>) {
                  callable(std::forward<Arguments>(arguments)...);
              } else {
                  return callable(std::forward<Arguments>(arguments)...);
              }
          }) {}

    /// @throws what the callable throws
    Result operator()(Arguments... arguments) const { return call_(object_, std::forward<Arguments>(arguments)...); }

private:
    void* object_;
    Result (*call_)(void*, Arguments...);
};

}  // namespace ddpm
