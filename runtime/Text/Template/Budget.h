// What a template may use up. Templates come with downloaded checkpoints, so one that loops for ever, or builds a text
// without end, must stop with an error. Every part of the engine that works or makes something counts it here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace quipu::jinja {

// Ends parsing or rendering; Template turns it into an error with the line. It never leaves this folder.
class TemplateError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

template <typename... Args> [[noreturn]] void fail(fmt::format_string<Args...> format, Args &&...args) {
  throw TemplateError(fmt::format(format, std::forward<Args>(args)...));
}

// The longest conversation of a model with a million tokens takes about a tenth of these.
struct Limits {
  uint64_t steps = 30'000'000;         // of the interpreter; about 2 seconds
  uint64_t bytes = uint64_t(1) << 30;  // of all strings and lists ever made by one rendering
  uint64_t output = uint64_t(1) << 26; // bytes of one string, the rendered text included
  unsigned callDepth = 600;            // expressions and statements within each other, across macros
  unsigned valueDepth = 100;           // lists within lists
};

class Budget {
public:
  explicit Budget(const Limits &limits = {}) : limits(limits), steps(limits.steps), bytes(limits.bytes) {}

  void work(uint64_t count = 1) {
    if (count > steps)
      fail("takes more than {} steps; it may loop for ever", limits.steps);
    steps -= count;
  }

  // Work on a text or list that is there already, 32 bytes a step.
  void read(size_t size) { work(size / 32); }

  // A text of so many bytes is about to be made.
  void make(uint64_t size) {
    if (size > limits.output)
      fail("makes a text of more than {} bytes", limits.output);
    if (size > bytes)
      fail("makes more than {} bytes of values", limits.bytes);
    bytes -= size;
    work(size / 32);
  }

  // Lengthens a text that is being made.
  void append(std::string &text, std::string_view piece) {
    make(piece.size());
    if (text.size() + piece.size() > limits.output)
      fail("makes a text of more than {} bytes", limits.output);
    text += piece;
  }

  // A list of so many items is about to be made.
  void makeItems(uint64_t count) {
    constexpr uint64_t itemBytes = 32;
    make(count > limits.output / itemBytes ? limits.output + 1 : count * itemBytes);
  }

  void enter() {
    if (depth >= limits.callDepth)
      fail("nests or recurses more than {} deep", limits.callDepth);
    ++depth;
  }
  void leave() { --depth; }

  const Limits limits;

private:
  uint64_t steps, bytes;
  unsigned depth = 0;
};

// One level of nesting, for as long as it lives.
class DepthGuard {
public:
  explicit DepthGuard(Budget &budget) : budget(budget) { budget.enter(); }
  ~DepthGuard() { budget.leave(); }
  DepthGuard(const DepthGuard &) = delete;
  DepthGuard &operator=(const DepthGuard &) = delete;

private:
  Budget &budget;
};

} // namespace quipu::jinja
