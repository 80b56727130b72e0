#include "compiler/Pipeline/Settings.h"

#include "compiler/Dialect/LM/Transforms/StoragePolicy.h"
#include "compiler/Target/Target.h"
#include "runtime/Artifact/KvLayout.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <map>

namespace quipu {
namespace {

using models::TensorRole;

constexpr int64_t defaultContext = 4096;
// Far above what fits into memory, and small enough for byte counts to fit 64 bits.
constexpr uint32_t mostSequences = 1 << 16;
constexpr uint32_t mostBatchTokens = 1 << 20;

Expected<std::string> resolveTarget(const std::string &name) {
  Expected<std::unique_ptr<Target>> target = findTarget(name);
  if (!target)
    return makeError("--target {}: {}", name, target.error().message);
  return (*target)->name();
}

// The first target that has no kernels for weights of a format; empty: all have.
std::string targetWithout(const StorageFormat &format, const std::vector<std::string> &targets) {
  for (const std::string &name : targets)
    if (Expected<std::unique_ptr<Target>> target = findTarget(name); target && !(*target)->choice().takes(format))
      return name;
  return "";
}

bool isMatrix(const models::TensorSpec &spec) {
  return spec.role == TensorRole::Matrix || spec.role == TensorRole::Embedding;
}

// The names that patterns of --storage-of are held to, with a * for the number of a layer.
std::string matrixNames(const models::ModelDescription &model) {
  std::vector<std::string> names;
  for (const models::TensorSpec &spec : model.tensors) {
    if (!isMatrix(spec))
      continue;
    std::vector<llvm::StringRef> parts;
    for (llvm::StringRef part : llvm::split(spec.name, '.'))
      parts.push_back(llvm::all_of(part, llvm::isDigit) ? "*" : part);
    if (std::string name = llvm::join(parts, "."); !llvm::is_contained(names, name))
      names.push_back(std::move(name));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// As quantize-weights reads it: the matrices of all experts are one weight there.
std::string nameInGraph(const models::TensorSpec &spec, const models::TensorInfo &tensor) {
  return spec.expert && tensor.name == spec.name ? spec.expert->pattern : tensor.name;
}

// Gives each matrix its format. What the checkpoint has and a target has no kernels for becomes bf16, with a warning;
// where it was asked for it is an error.
Expected<> resolveWeights(const models::Checkpoint &checkpoint, const models::ModelDescription &model,
                          lm::StoragePolicy &policy, PhaseOptions &options, std::vector<std::string> &warnings) {
  std::map<std::string_view, size_t> rounded;
  for (const models::TensorSpec &spec : model.tensors) {
    const models::TensorInfo *tensor = models::findTensor(checkpoint, spec);
    if (!tensor || !isMatrix(spec))
      continue;
    const StorageFormat *own = models::storageFormatOf(tensor->dtype);
    const StorageFormat &format = *policy.formatOf(spec.name, own, lm::MatrixUse::Product);
    options.allF32 = options.allF32 && format.dtype == fb::DType::f32;
    std::string target = targetWithout(format, options.targets);
    if (target.empty())
      continue;
    if (policy.isAsked(spec.name))
      return makeError("--storage {}: target {} has no kernels for weights of this format; f32, f16 and bf16 it has",
                       format.name, target);
    std::string rule = nameInGraph(spec, *tensor) + "=bf16";
    if (!options.storageOf.empty() && options.storageOf.back() == rule)
      continue;
    options.storageOf.push_back(std::move(rule));
    ++rounded[own->name];
  }
  if (auto used = policy.checkRulesUsed(matrixNames(model)); !used)
    return makeError("--storage-of {}", used.error().message);
  for (auto [name, count] : rounded) {
    const StorageFormat &format = *findStorageFormat(name);
    warnings.push_back(fmt::format("{} weight{} in {} {} stored as bf16, for target {} has no kernels for {}{}", count,
                                   count == 1 ? "" : "s", name, count == 1 ? "is" : "are",
                                   targetWithout(format, options.targets), name,
                                   format.isBlocked() ? "" : "; --storage f32 keeps them exact"));
  }
  return {};
}

Expected<> checkKvStorage(const PhaseOptions &options) {
  const StorageFormat *format = findStorageFormat(std::string_view(options.kvStorage));
  bool int8 = options.kvStorage == "i8";
  if (!int8 && (!format || format->isBlocked()))
    return makeError("--kv-storage {}: expected f32, f16, bf16 or i8", options.kvStorage);
  fb::DType dtype = int8 ? fb::DType::i8 : format->dtype;
  for (const std::string &name : options.targets)
    if (auto target = findTarget(name); target && !findKvLayout((*target)->choice().kvLayout(), dtype, 16, 16))
      return makeError("--kv-storage {}: target {} has no kernels for such a cache; f32, f16 and bf16 it has",
                       options.kvStorage, name);
  return {};
}

// What is asked of the storage, checked against the matrices of the checkpoint; the KV type follows from it.
Expected<> resolveStorage(const PhaseRequest &request, const models::Checkpoint &checkpoint,
                          const models::ModelDescription &model, PhaseOptions &options,
                          std::vector<std::string> &warnings) {
  auto named = lm::StoragePolicy::create(request.storage, {});
  if (!named)
    return makeError("--storage {}: {}", request.storage, named.error().message);
  auto policy = lm::StoragePolicy::create(request.storage, request.storageOf);
  if (!policy)
    return makeError("--storage-of {}", policy.error().message);
  options.storage = request.storage;
  options.storageOf = request.storageOf;
  options.allF32 = true;
  if (auto weights = resolveWeights(checkpoint, model, *policy, options, warnings); !weights)
    return passError(std::move(weights));
  options.kvStorage = !request.kvStorage.empty() ? request.kvStorage : options.allF32 ? "f32" : "bf16";
  return checkKvStorage(options);
}

Expected<int64_t> resolveContext(uint32_t asked, int64_t modelLimit) {
  if (asked == 0)
    return std::min(modelLimit, defaultContext);
  if (asked > modelLimit)
    return makeError("--max-context {}: the model was made for at most {} positions", asked, modelLimit);
  return asked;
}

} // namespace

Expected<PhaseOptions> resolvePhaseOptions(const PhaseRequest &request, const models::Checkpoint &checkpoint,
                                           const models::ModelDescription &model, std::vector<std::string> &warnings) {
  PhaseOptions options;
  for (const std::string &target : request.targets.empty() ? std::vector<std::string>{"cpu"} : request.targets) {
    Expected<std::string> name = resolveTarget(target);
    if (!name)
      return passError(std::move(name));
    if (std::find(options.targets.begin(), options.targets.end(), *name) == options.targets.end())
      options.targets.push_back(*name);
  }
  if (auto resolved = resolveStorage(request, checkpoint, model, options, warnings); !resolved)
    return passError(std::move(resolved));

  Expected<int64_t> context = resolveContext(request.maxContext, model.maxPosition);
  if (!context)
    return passError(std::move(context));
  options.maxContext = *context;
  if (request.maxSequences > mostSequences)
    return makeError("--max-sequences {}: expected at most {}", request.maxSequences, mostSequences);
  if (request.maxBatchTokens > mostBatchTokens)
    return makeError("--max-batch-tokens {}: expected at most {}", request.maxBatchTokens, mostBatchTokens);
  if (request.maxSequences)
    options.maxSequences = request.maxSequences;
  if (request.maxBatchTokens)
    options.maxBatchTokens = request.maxBatchTokens;

  for (const std::string &pass : request.disabledPasses) {
    if (std::find(optionalPasses.begin(), optionalPasses.end(), pass) == optionalPasses.end())
      return makeError("--disable-pass {}: there is no optional pass of that name; they are {}", pass,
                       fmt::join(optionalPasses, ", "));
    options.disabled.insert(pass);
  }
  return options;
}

} // namespace quipu
