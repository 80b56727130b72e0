#include "models/import/TensorCheck.h"

#include "models/config/DecoderModules.h"
#include "models/config/JsonFile.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <optional>
#include <unordered_set>

namespace quipu::models {

namespace {

std::optional<std::string> faultOf(const TensorSpec &spec, const TensorInfo *tensor, const std::string &directory) {
  std::string wanted = fmt::format("[{}]", fmt::join(spec.shape, ", "));
  if (!tensor)
    return fmt::format("{}: tensor {} is missing; expected shape {}", directory, inQuotes(spec.name), wanted);
  const StorageFormat *format = storageFormatOf(tensor->dtype);
  if (!format)
    return fmt::format("{}: tensor {} is {}; weights of {} are supported{}", tensor->file,
                       inQuotes(tensor->nameInFile()), dtypeName(tensor->dtype), weightTypeNames(),
                       blockElements(tensor->dtype) > 1 ? ": have the model quantised to one of these, as Q4_K_M does"
                                                        : "");
  if (format->isBlocked() && spec.shape.size() < 2)
    return fmt::format("{}: tensor {} is {}; only matrices may be quantised", tensor->file,
                       inQuotes(tensor->nameInFile()), dtypeName(tensor->dtype));
  std::vector<int64_t> expected = spec.shape;
  if (tensor->name != spec.name) {
    expected.insert(expected.begin(), spec.expert->count);
    wanted = fmt::format("[{}]", fmt::join(expected, ", "));
  }
  if (tensor->shape != expected)
    return fmt::format("{}: tensor {} has shape [{}]; expected {} from the configuration", tensor->file,
                       inQuotes(tensor->nameInFile()), fmt::join(tensor->shape, ", "), wanted);
  return std::nullopt;
}

bool isIgnored(std::string_view name, std::string_view rule) {
  if (name.size() < rule.size())
    return false;
  return rule.back() == '.' ? name.substr(0, rule.size()) == rule : name.substr(name.size() - rule.size()) == rule;
}

} // namespace

const TensorInfo *findTensor(const Checkpoint &checkpoint, const TensorSpec &spec) {
  const TensorInfo *own = checkpoint.find(spec.name);
  return own || !spec.expert ? own : checkpoint.find(ofAllExperts(spec.expert->pattern));
}

int64_t elementsOf(const TensorSpec &spec) {
  int64_t product = 1; // families bound their sizes so that it fits
  for (int64_t size : spec.shape)
    product *= size;
  return product;
}

Expected<> checkTensors(const Checkpoint &checkpoint, const std::vector<TensorSpec> &expected,
                        const std::vector<std::string> &ignored, std::vector<std::string> &warnings) {
  std::optional<std::string> first;
  size_t others = 0;
  std::unordered_set<std::string_view> known;
  for (const TensorSpec &spec : expected) {
    const TensorInfo *tensor = findTensor(checkpoint, spec);
    if (tensor)
      known.insert(tensor->name);
    auto fault = faultOf(spec, tensor, checkpoint.path());
    if (fault && first)
      ++others;
    else if (fault)
      first = std::move(fault);
  }
  if (first)
    return makeError("{}{}", *first, others ? fmt::format(" (and {} other tensors at fault)", others) : "");

  for (const TensorInfo &tensor : checkpoint.tensors()) {
    auto applies = [&](const std::string &rule) { return isIgnored(tensor.name, rule); };
    if (!known.count(tensor.name) && std::none_of(ignored.begin(), ignored.end(), applies))
      warnings.push_back(
          fmt::format("{}: tensor {} is not used by the model", tensor.file, inQuotes(tensor.nameInFile())));
  }
  return {};
}

} // namespace quipu::models
