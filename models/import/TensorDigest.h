// XXH3-128 of a set of tensors, computed in chunks on all cores. The digest names a checkpoint's contents in caches and
// artifacts; it is no protection against forgery.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quipu::models {

struct TensorInfo;

struct TensorDigest {
  uint64_t high = 0, low = 0;

  std::string hex() const; // 32 lower-case digits
  bool operator==(const TensorDigest &other) const { return high == other.high && low == other.low; }
  bool operator!=(const TensorDigest &other) const { return !(*this == other); }
};

// Digest over names, dtypes, shapes and bytes, in the order given. Each chunk of 8 MiB of a tensor is hashed by itself,
// then the list of names, dtypes, shapes and chunk hashes: the result does not depend on the number of threads.
TensorDigest digestTensors(const std::vector<TensorInfo> &tensors);

} // namespace quipu::models
