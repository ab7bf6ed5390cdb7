// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace ddpm {

template <class Signature>
class function_ref;

/// A reference to a callable object, such as a lambda or a pointer to a function or member, that is called as
/// Result(Arguments...): two pointers, no allocation. What the object returns is dropped if Result is void. It does not
/// own the object, which must outlive it.
template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
public:
    /// Refers to f, which may also be a temporary object that lives as long as the call that it is passed to.
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref>) &&
                    std::is_object_v<std::remove_reference_t<F>> && std::is_invocable_r_v<Result, F&, Arguments...>
    function_ref(F&& f) noexcept
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* object, Arguments... arguments) -> Result {
              auto& callable = *static_cast<std::remove_reference_t<F>*>(object);
              if constexpr (std::is_void_v<Result>) {
                  static_cast<void>(std::invoke(callable, std::forward<Arguments>(arguments)...));
              } else {
                  return std::invoke(callable, std::forward<Arguments>(arguments)...);
              }
          }) {}

    /// Calls the object.
    Result operator()(Arguments... arguments) const { return call_(object_, std::forward<Arguments>(arguments)...); }

private:
    void* object_;
    Result (*call_)(void*, Arguments...);
};

}  // namespace ddpm
