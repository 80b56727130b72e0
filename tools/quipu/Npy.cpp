#include "tools/quipu/Npy.h"

namespace quipu::tool {

// Magic, version, length of the description, description, padding: room for any number of rows.
static constexpr size_t headerBytes = 128;

Expected<NpyWriter> NpyWriter::create(const std::string &path, uint64_t columns) {
  auto file = OutputFile::create(path);
  if (!file)
    return passError(std::move(file));
  NpyWriter writer;
  writer.file = std::move(*file);
  writer.columns = columns;
  return writer;
}

Expected<> NpyWriter::append(const float *row) {
  uint64_t bytes = columns * sizeof(float);
  return file.writeAt(headerBytes + rows++ * bytes, row, bytes);
}

Expected<> NpyWriter::commit() {
  constexpr size_t prefixBytes = 10;
  std::string description =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  description.resize(headerBytes - prefixBytes - 1, ' ');
  description += '\n';
  std::string header = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(description.size()) + '\0' + description;
  if (auto written = file.writeAt(0, header.data(), header.size()); !written)
    return written;
  return file.commit();
}

} // namespace quipu::tool
