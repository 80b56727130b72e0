// The rows of a checkpoint's tensor in the storage format asked for. Packer and reference read weights through this, so
// they agree to the bit about what a weight is.
#pragma once

#include "models/import/Checkpoint.h"
#include "runtime/Artifact/StorageFormat.h"
#include "runtime/Support/Error.h"

namespace quipu::quantization {

class TensorRows {
public:
  // `importance`, one value a column or null, weighs the rounding (Encode.h); both must outlive this. Errors name the
  // tensor: a type that is no weight, rows that are no whole blocks of the storage.
  static Expected<TensorRows> create(const models::TensorInfo &tensor, const StorageFormat &storage,
                                     const float *importance = nullptr);

  // Blocks [first, first + count) of a row, in the storage format: the file's own bytes where it holds that format.
  void read(int64_t row, int64_t first, int64_t count, std::byte *out) const;

  // A whole row, as its stored blocks decode.
  void readValues(int64_t row, float *out) const;

  const models::TensorInfo &info() const { return *tensor; }

private:
  // Elements [column, column + count) as the file has them.
  void readSource(int64_t row, int64_t column, int64_t count, float *out) const;

  const models::TensorInfo *tensor = nullptr;
  const StorageFormat *source = nullptr, *storage = nullptr;
  const float *importance = nullptr;
};

} // namespace quipu::quantization
