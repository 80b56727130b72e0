// Errors a user can cause travel as values: one line that names the file, tensor or flag at fault and what to do.
#pragma once

#include <fmt/format.h>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace quipu {

struct Error {
  std::string message; // one line, no full stop, no trailing newline
};

template <typename T = void> using Expected = tl::expected<T, Error>;

// Builds the error value to return from a function of type Expected<...>.
template <typename... Args> tl::unexpected<Error> makeError(fmt::format_string<Args...> format, Args &&...args) {
  return tl::unexpected<Error>(Error{fmt::format(format, std::forward<Args>(args)...)});
}

// Passes the error of one call on as the error of another Expected type.
template <typename T> tl::unexpected<Error> passError(Expected<T> &&result) {
  return tl::unexpected<Error>(std::move(result.error()));
}

} // namespace quipu
