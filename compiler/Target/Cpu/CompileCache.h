// Machine code of kernels on disk, by content: the key says what the kernel is, for which chip, by which compiler.
// Names and layer numbers are no part of it, so a model's layers and other models share entries.
#pragma once

#include "runtime/Support/Error.h"

#include <optional>
#include <string>

namespace quipu::cpu {

struct CompiledKernel {
  int64_t scratchBytes = 0; // for each worker
  std::string object;       // ELF, defines one symbol
};

class CompileCache {
public:
  // An empty folder name: nothing is kept.
  explicit CompileCache(std::string folder) : folder(std::move(folder)) {}

  // $QUIPU_CACHE_DIR, else $XDG_CACHE_HOME/quipu, else ~/.cache/quipu; empty when none is set.
  static std::string defaultFolder();

  // Nothing when the entry is missing or damaged.
  std::optional<CompiledKernel> find(const std::string &key) const;
  // Whole or not at all, also with other processes at work. A cache that cannot be written is a slower compile, not an
  // error.
  void put(const std::string &key, const CompiledKernel &kernel) const;

private:
  std::string path(const std::string &key) const;

  std::string folder;
};

} // namespace quipu::cpu
