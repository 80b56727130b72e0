// A checkpoint: the configuration of a model and its tensors, mapped from disk, whatever format they were stored in.
#pragma once

#include "models/import/DType.h"
#include "models/import/TensorDigest.h"
#include "runtime/Support/Error.h"
#include "runtime/Support/MappedFile.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::models {

struct ModelConfig;

struct TensorInfo {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;      // outermost first; empty for a scalar
  const std::byte *data = nullptr; // mapped, row-major, in no way aligned; valid while the checkpoint lives
  size_t bytes = 0;
  std::string file;            // the file it lies in, for messages
  std::string storedName = {}; // its name there, where the format has names of its own

  const std::string &nameInFile() const { return storedName.empty() ? name : storedName; }
  int64_t elements() const;
  // A tensor of two or more dimensions is rows along its last; a vector is one row. Matrix e of [E, N, K] is the N rows
  // from e * N on.
  int64_t rows() const;
  int64_t rowSize() const; // elements
};

class Checkpoint {
public:
  // Opens a Hugging Face directory (config.json, and model.safetensors or shards with model.safetensors.index.json) or
  // a GGUF file. Tensors are mapped, never copied. Errors name the file at fault.
  static Expected<std::unique_ptr<Checkpoint>> open(const std::string &path);

  // What the reader of a format hands over.
  struct Parts {
    std::string path;
    std::unique_ptr<ModelConfig> config;
    std::vector<TensorInfo> tensors; // in any order, names apart
    std::vector<MappedFile> files;   // that the tensors point into
    std::vector<std::string> warnings;
  };
  explicit Checkpoint(Parts parts);
  ~Checkpoint();

  const std::string &path() const { return parts.path; }
  const ModelConfig &config() const { return *parts.config; }
  const std::vector<TensorInfo> &tensors() const { return parts.tensors; } // in the order of their names
  const std::vector<std::string> &warnings() const { return parts.warnings; }
  const TensorInfo *find(std::string_view name) const; // null if there is none

  // Digest of names, shapes, dtypes and bytes of all tensors; the same however they are spread over files. Reads every
  // byte, on all cores, the first time it is asked for. May be called from several threads.
  const TensorDigest &digest() const;

private:
  Parts parts;
  mutable std::once_flag digestOnce;
  mutable TensorDigest digestValue;
};

} // namespace quipu::models
