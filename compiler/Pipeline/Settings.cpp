#include "compiler/Pipeline/Settings.h"

#include "compiler/Target/Target.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace quipu {
namespace {

using models::DType;
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

// The widest type among the matrices of a checkpoint, F32 before F16 before BF16.
DType matrixType(const models::Checkpoint &checkpoint, const models::ModelDescription &model) {
  DType widest = DType::BF16;
  for (const models::TensorSpec &spec : model.tensors) {
    const models::TensorInfo *tensor = checkpoint.find(spec.name);
    if (!tensor || (spec.role != TensorRole::Matrix && spec.role != TensorRole::Embedding))
      continue;
    if (tensor->dtype == DType::F32)
      return DType::F32;
    if (tensor->dtype == DType::F16)
      widest = DType::F16;
  }
  return widest;
}

Expected<lm::ElementKind> resolveStorage(const std::string &storage, DType own, std::vector<std::string> &warnings) {
  if (storage == "f32")
    return lm::ElementKind::f32;
  if (storage != "bf16" && !storage.empty())
    return makeError("--storage {}: expected f32 or bf16", storage);
  if (storage.empty() && own == DType::F32)
    return lm::ElementKind::f32;
  if (storage.empty() && own == DType::F16)
    warnings.push_back("the f16 weights are stored as bf16, which rounds them; --storage f32 keeps them exact");
  return lm::ElementKind::bf16;
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
  Expected<lm::ElementKind> storage = resolveStorage(request.storage, matrixType(checkpoint, model), warnings);
  if (!storage)
    return passError(std::move(storage));
  options.storage = options.kvStorage = *storage;

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
