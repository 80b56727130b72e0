#include "tools/quipu/Npy.h"
#include "runtime/Support/OutputFile.h"

namespace quipu::tool {

Expected<> writeNpy(const std::string &path, const std::vector<float> &values, uint64_t columns) {
  std::string shape =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", values.size() / columns, columns);
  constexpr size_t prefix = 10; // magic, version, length of the header; with the header a multiple of 64
  size_t padded = (prefix + shape.size() + 1 + 63) / 64 * 64 - prefix;
  shape.resize(padded - 1, ' ');
  std::string header = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(padded & 0xff) +
                       static_cast<char>(padded >> 8) + shape + '\n';

  auto file = OutputFile::create(path);
  if (!file)
    return passError(std::move(file));
  if (auto written = file->writeAt(0, header.data(), header.size()); !written)
    return written;
  if (auto written = file->writeAt(header.size(), values.data(), values.size() * sizeof(float)); !written)
    return written;
  return file->commit();
}

} // namespace quipu::tool
