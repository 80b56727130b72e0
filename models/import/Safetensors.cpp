#include "models/import/Safetensors.h"

#include "models/config/JsonFile.h"
#include "models/import/SafetensorsHeader.h"

#include <algorithm>
#include <cstring>
#include <fmt/ranges.h>

namespace quipu::models {

namespace {

constexpr size_t lengthBytes = 8;
constexpr uint64_t maxHeaderBytes = 100'000'000; // the limit of the reference implementation

uint64_t littleEndian64(const std::byte *data) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i)
    value = value << 8 | static_cast<uint64_t>(data[i]);
  return value;
}

// Bytes a tensor of this shape takes, or nothing where they do not fit into 63 bits. Sizes are multiplied from the left
// even past a zero, so that every partial product of an accepted shape is in range.
std::optional<uint64_t> bytesOf(const SafetensorsEntry &entry) {
  uint64_t bytes = byteSize(entry.dtype);
  for (uint64_t size : entry.shape)
    if (size > INT64_MAX || __builtin_mul_overflow(bytes, size, &bytes) || bytes > INT64_MAX)
      return std::nullopt;
  return bytes;
}

Expected<> checkExtent(const SafetensorsEntry &entry, uint64_t dataBytes, const std::string &file) {
  if (entry.begin > entry.end)
    return makeError("{}: tensor {}: data_offsets [{}, {}] are the wrong way round", file, inQuotes(entry.name),
                     entry.begin, entry.end);
  if (entry.end > dataBytes)
    return makeError(
        "{}: tensor {}: data_offsets [{}, {}] lie beyond the {} bytes of data in the file; it is truncated", file,
        inQuotes(entry.name), entry.begin, entry.end, dataBytes);
  std::optional<uint64_t> bytes = bytesOf(entry);
  if (!bytes)
    return makeError("{}: tensor {}: shape [{}] is too large", file, inQuotes(entry.name),
                     fmt::join(entry.shape, ", "));
  if (*bytes != entry.end - entry.begin)
    return makeError("{}: tensor {}: shape [{}] of {} takes {} bytes, but data_offsets [{}, {}] hold {}", file,
                     inQuotes(entry.name), fmt::join(entry.shape, ", "), dtypeName(entry.dtype), *bytes, entry.begin,
                     entry.end, entry.end - entry.begin);
  return {};
}

// Tensors, ordered by offset, must follow one another from the first byte of the data to the last.
Expected<> checkCover(const std::vector<SafetensorsEntry> &entries, uint64_t dataBytes, const std::string &file) {
  uint64_t covered = 0;
  const SafetensorsEntry *previous = nullptr;
  for (const SafetensorsEntry &entry : entries) {
    if (entry.begin < covered)
      return makeError("{}: tensors {} and {} overlap", file, inQuotes(previous->name), inQuotes(entry.name));
    if (entry.begin > covered)
      return makeError("{}: bytes {} to {} of the data belong to no tensor", file, covered, entry.begin);
    covered = entry.end;
    previous = &entry;
  }
  if (covered != dataBytes)
    return makeError("{}: {} bytes follow the last tensor and belong to none", file, dataBytes - covered);
  return {};
}

} // namespace

Expected<std::vector<TensorInfo>> parseSafetensors(const std::byte *data, size_t size, const std::string &file) {
  if (size < lengthBytes)
    return makeError("{}: is {} bytes long; a safetensors file begins with 8 bytes of header length", file, size);
  uint64_t headerBytes = littleEndian64(data);
  if (headerBytes > size - lengthBytes)
    return makeError("{}: header length is {}, but {} bytes follow it; the file is truncated or no safetensors file",
                     file, headerBytes, size - lengthBytes);
  if (headerBytes > maxHeaderBytes)
    return makeError("{}: header length is {}; expected at most {}", file, headerBytes, maxHeaderBytes);

  std::string_view header(reinterpret_cast<const char *>(data + lengthBytes), headerBytes);
  auto entries = parseSafetensorsHeader(header, file);
  if (!entries)
    return passError(std::move(entries));

  const std::byte *start = data + lengthBytes + headerBytes;
  uint64_t dataBytes = size - lengthBytes - headerBytes;
  for (const SafetensorsEntry &entry : *entries)
    if (auto checked = checkExtent(entry, dataBytes, file); !checked)
      return passError(std::move(checked));
  std::sort(entries->begin(), entries->end(), [](const SafetensorsEntry &a, const SafetensorsEntry &b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  if (auto checked = checkCover(*entries, dataBytes, file); !checked)
    return passError(std::move(checked));

  std::vector<TensorInfo> tensors;
  tensors.reserve(entries->size());
  for (SafetensorsEntry &entry : *entries)
    tensors.push_back({std::move(entry.name),
                       entry.dtype,
                       {entry.shape.begin(), entry.shape.end()},
                       start + entry.begin,
                       static_cast<size_t>(entry.end - entry.begin),
                       file});
  return tensors;
}

} // namespace quipu::models
