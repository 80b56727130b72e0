// Division and multiples, rounded up. For integers that are not negative; nothing overflows on the way.
#pragma once

#include <type_traits>

namespace quipu {

template <typename T> constexpr T divideUp(T value, std::common_type_t<T> by) {
  static_assert(std::is_integral_v<T>);
  return value / by + (value % by != 0);
}

// The next multiple of `to` that is not below `value`.
template <typename T> constexpr T roundUp(T value, std::common_type_t<T> to) { return divideUp(value, to) * to; }

} // namespace quipu
