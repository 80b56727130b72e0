// A code section of an artifact, loaded as a shared object without a file on disk.
#pragma once

#include "runtime/Support/Error.h"

#include <string>
#include <string_view>

namespace quipu::cpu {

class CodeImage {
public:
  // Errors lack the artifact's name.
  static Expected<CodeImage> load(std::string_view elf);

  CodeImage() = default;
  CodeImage(CodeImage &&other) noexcept;
  CodeImage &operator=(CodeImage &&other) noexcept;
  CodeImage(const CodeImage &) = delete;
  CodeImage &operator=(const CodeImage &) = delete;
  ~CodeImage();

  // Null where the code has no such symbol.
  void *find(const std::string &symbol) const;

private:
  void *handle = nullptr;
  int descriptor = -1;
};

} // namespace quipu::cpu
