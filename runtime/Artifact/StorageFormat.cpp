#include "runtime/Artifact/StorageFormat.h"

namespace quipu {

const StorageFormat *findStorageFormat(std::string_view name) {
  if (name == "i8_g32" || name == "i4_g32")
    name = name == "i8_g32" ? "q8_0" : "q4_0";
  for (const StorageFormat &format : storageFormats)
    if (format.name == name)
      return &format;
  return nullptr;
}

const StorageFormat *findStorageFormat(fb::DType dtype) {
  for (const StorageFormat &format : storageFormats)
    if (format.dtype == dtype)
      return &format;
  return nullptr;
}

} // namespace quipu
