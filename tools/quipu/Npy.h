// Float32 matrices as NumPy's .npy files (format version 1.0).
#pragma once

#include "runtime/Support/Error.h"
#include "runtime/Support/OutputFile.h"

#include <cstdint>
#include <string>

namespace quipu::tool {

// A matrix written row by row. The file appears under its name with commit(), when the number of rows is known.
class NpyWriter {
public:
  static Expected<NpyWriter> create(const std::string &path, uint64_t columns);

  Expected<> append(const float *row);
  Expected<> commit();

private:
  OutputFile file;
  uint64_t columns = 0;
  uint64_t rows = 0;
};

} // namespace quipu::tool
