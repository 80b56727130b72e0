// What compiles made, on disk, by content. Machine code of kernels: the key says all that decides the code (what the
// kernel is, for which chip, by which compiler). Layer numbers are no part of it, so a model's layers and other models
// share entries.
#pragma once

#include "runtime/Support/Error.h"

#include <optional>
#include <string>
#include <string_view>

namespace quipu {

class CompileCache {
public:
  // `section` is a folder in it. An empty folder name: nothing is kept.
  explicit CompileCache(std::string folder, std::string section = "kernels")
      : folder(std::move(folder)), section(std::move(section)) {}

  // $QUIPU_CACHE_DIR, else $XDG_CACHE_HOME/quipu, else ~/.cache/quipu; empty when none is set.
  static std::string defaultFolder();

  // The key of what a text says: 32 hexadecimal digits.
  static std::string key(std::string_view text);

  // The bytes that were put there. Nothing when the entry is missing or damaged.
  std::optional<std::string> find(const std::string &key) const;
  // Whole or not at all, also with other processes at work. A cache that cannot be written is a slower compile, not an
  // error.
  void put(const std::string &key, std::string_view bytes) const;
  // Removes the oldest entries beyond that many.
  void keepNewest(size_t entries) const;

private:
  std::string path(const std::string &key) const;

  std::string folder, section;
};

} // namespace quipu
