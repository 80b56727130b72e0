#include "tools/random-checkpoint/RandomCheckpoint.h"

#include "models/Family.h"
#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"
#include "models/import/FloatConversion.h"
#include "runtime/Support/OutputFile.h"
#include "runtime/Support/ParallelFor.h"
#include "tools/random-checkpoint/NormalGenerator.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace quipu::random_checkpoint {

using namespace quipu::models;
namespace fs = std::filesystem;

namespace {

constexpr int64_t chunkElements = 1 << 18;

// A run of elements of one tensor: the piece of work of one thread, with a random stream of its own.
struct Chunk {
  const TensorSpec *tensor;
  uint64_t tensorIndex, indexInTensor;
  int64_t elements;
  uint64_t position; // in the data, in elements
};

struct Layout {
  std::string header; // with the eight bytes of its length
  std::vector<Chunk> chunks;
  uint64_t elements = 0;
};

Layout layOut(const std::vector<TensorSpec> &tensors, DType dtype) {
  Layout layout;
  uint64_t size = byteSize(dtype);
  std::string json = R"({"__metadata__":{"format":"pt"})";
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorSpec &tensor = tensors[i];
    uint64_t begin = layout.elements;
    for (int64_t left = elementsOf(tensor), index = 0; left > 0; left -= chunkElements, ++index) {
      int64_t elements = std::min(left, chunkElements);
      layout.chunks.push_back({&tensor, i, static_cast<uint64_t>(index), elements, layout.elements});
      layout.elements += static_cast<uint64_t>(elements);
    }
    json += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", tensor.name, dtypeName(dtype),
                        fmt::join(tensor.shape, ","), begin * size, layout.elements * size);
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' '); // the data begins aligned
  for (int i = 0; i < 8; ++i)
    layout.header += static_cast<char>(json.size() >> (8 * i));
  layout.header += json;
  return layout;
}

void fill(const Chunk &chunk, uint64_t seed, std::vector<float> &values) {
  NormalGenerator generator(seed, chunk.tensorIndex, chunk.indexInTensor);
  TensorRole role = chunk.tensor->role;
  bool isVector = role == TensorRole::Norm || role == TensorRole::Bias;
  double mean = role == TensorRole::Norm ? 1 : 0;
  double deviation = isVector ? 0.02 : 1 / std::sqrt(static_cast<double>(chunk.tensor->shape.back()));
  values.resize(static_cast<size_t>(chunk.elements));
  for (float &value : values)
    value = static_cast<float>(mean + deviation * generator.next());
}

Expected<> writeChunk(OutputFile &file, const Layout &layout, const Chunk &chunk, DType dtype, uint64_t seed) {
  std::vector<float> values;
  fill(chunk, seed, values);
  uint64_t offset = layout.header.size() + chunk.position * byteSize(dtype);
  if (dtype == DType::F32)
    return file.writeAt(offset, values.data(), values.size() * sizeof(float));
  std::vector<uint16_t> narrow(values.size());
  (dtype == DType::F16 ? floatToF16 : floatToBf16)(values.data(), chunk.elements, narrow.data());
  return file.writeAt(offset, narrow.data(), narrow.size() * sizeof(uint16_t));
}

Expected<> writeWeights(const std::string &path, const Layout &layout, DType dtype, const Options &options) {
  auto file = OutputFile::create(path);
  if (!file)
    return passError(std::move(file));
  if (auto written = file->writeAt(0, layout.header.data(), layout.header.size()); !written)
    return written;

  uint64_t done = 0;
  auto write = [&](size_t i) -> Expected<> {
    if (options.interrupted && *options.interrupted)
      return makeError("{}: interrupted", options.output);
    return writeChunk(*file, layout, layout.chunks[i], dtype, options.seed);
  };
  auto finished = [&](size_t i) {
    done += static_cast<uint64_t>(layout.chunks[i].elements);
    if (options.progress)
      options.progress(static_cast<double>(done) / static_cast<double>(layout.elements));
  };
  if (auto written = tryParallelFor(layout.chunks.size(), write, /*threads=*/0, finished); !written)
    return written;
  return file->commit();
}

Expected<> writeText(const std::string &path, const std::string &text) {
  auto file = OutputFile::create(path);
  if (!file)
    return passError(std::move(file));
  if (auto written = file->writeAt(0, text.data(), text.size()); !written)
    return written;
  return file->commit();
}

// config.json as it was given, keys in their order, but for the dtype the weights now have.
Expected<std::string> configText(const ModelConfig &config, DType dtype) {
  auto file = MappedFile::open(config.path);
  if (!file)
    return passError(std::move(file));
  auto *begin = reinterpret_cast<const char *>(file->data());
  auto values = nlohmann::ordered_json::parse(begin, begin + file->size(), nullptr, /*allow_exceptions=*/false);
  if (!values.is_object()) // it was one when ModelConfig read it
    return makeError("{}: has changed while it was read", config.path);
  const char *name = dtype == DType::F32 ? "float32" : dtype == DType::F16 ? "float16" : "bfloat16";
  values[values.contains("dtype") ? "dtype" : "torch_dtype"] = name;
  return values.dump(2) + "\n";
}

Expected<> copyTokenizer(const std::string &from, const fs::path &to) {
  size_t copied = 0;
  for (const char *name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
                           "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja"}) {
    std::error_code error;
    if (!fs::exists(fs::path(from) / name, error))
      continue;
    fs::copy_file(fs::path(from) / name, to / name, error);
    if (error)
      return makeError("{}: cannot be copied: {}", (fs::path(from) / name).string(), error.message());
    ++copied;
  }
  if (copied == 0)
    return makeError("--tokenizer {}: has neither tokenizer.json nor tokenizer.model", from);
  return {};
}

DType dtypeFor(const Options &options, const ModelConfig &config) {
  if (options.dtype)
    return *options.dtype;
  for (const char *key : {"dtype", "torch_dtype"})
    if (auto value = config.values.find(key); value != config.values.end() && value->is_string())
      if (auto dtype = dtypeFromTorch(value->get_ref<const std::string &>()))
        return *dtype;
  return DType::BF16;
}

// A directory under a temporary name, removed again unless it was renamed.
class TemporaryDirectory {
public:
  TemporaryDirectory() = default;
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path.empty())
      fs::remove_all(path, ignored);
  }

  Expected<> create(const std::string &target) {
    std::string pattern = target + ".XXXXXX";
    if (!::mkdtemp(pattern.data()))
      return makeError("{}: cannot be written: {}", target, std::strerror(errno));
    path = pattern;
    std::error_code ignored; // mkdtemp gives 0700; a directory that cannot be opened up is still usable
    fs::permissions(path, fs::perms(0755), ignored);
    return {};
  }

  Expected<> rename(const std::string &target) {
    std::error_code error;
    fs::rename(path, target, error); // replaces an empty directory, no other
    if (error)
      return makeError("{}: cannot be written: {}", target, error.message());
    path.clear();
    return {};
  }

  std::string path;
};

// `output` without a slash at its end, or what is wrong with it; better known before the weights are written.
Expected<std::string> checkOutput(std::string output) {
  while (output.size() > 1 && output.back() == '/')
    output.pop_back();
  std::error_code error;
  auto status = fs::status(output, error);
  if (fs::is_directory(status) ? !fs::is_empty(output, error) : fs::exists(status))
    return makeError("{}: exists already; remove it or choose another", output);
  return output;
}

// Better known before the disk is full, and before sizes from the configuration become memory here.
Expected<> checkSpace(const std::string &output, const std::vector<TensorSpec> &tensors, DType dtype) {
  double needed = 0;
  for (const TensorSpec &tensor : tensors)
    needed += static_cast<double>(elementsOf(tensor)) * static_cast<double>(byteSize(dtype));
  std::error_code error;
  auto space = fs::space(fs::absolute(output).parent_path(), error);
  if (!error && static_cast<double>(space.available) < needed)
    return makeError("{}: needs {:.1f} GB, but {:.1f} GB are free there", output, needed / 1e9,
                     static_cast<double>(space.available) / 1e9);
  return {};
}

} // namespace

Expected<Result> writeRandomCheckpoint(const Options &options) {
  auto config = ModelConfig::load(options.config);
  if (!config)
    return passError(std::move(config));
  auto description = describeModel(*config);
  if (!description)
    return passError(std::move(description));
  auto output = checkOutput(options.output);
  if (!output)
    return passError(std::move(output));
  DType dtype = dtypeFor(options, *config);
  auto text = configText(*config, dtype);
  if (!text)
    return passError(std::move(text));
  if (auto fits = checkSpace(*output, description->tensors, dtype); !fits)
    return passError(std::move(fits));
  Layout layout = layOut(description->tensors, dtype);

  TemporaryDirectory directory;
  Expected<> written = directory.create(*output);
  fs::path path = directory.path;
  if (written)
    written = writeText((path / "config.json").string(), *text);
  if (written && !config->generation.empty())
    written = writeText((path / "generation_config.json").string(), config->generation.dump(2) + "\n");
  if (written && !options.tokenizer.empty())
    written = copyTokenizer(options.tokenizer, path);
  if (written)
    written = writeWeights((path / "model.safetensors").string(), layout, dtype, options);
  if (written)
    written = directory.rename(*output);
  if (!written)
    return passError(std::move(written));
  return Result{layout.elements, layout.header.size() + layout.elements * byteSize(dtype),
                std::move(description->warnings)};
}

} // namespace quipu::random_checkpoint
