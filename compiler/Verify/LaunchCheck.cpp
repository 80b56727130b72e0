#include "compiler/Verify/LaunchCheck.h"

#include "runtime/Artifact/KvLayout.h"
#include "runtime/Support/HalfFloat.h"

#include <cstring>

namespace quipu::verify {

using reference::Tensor;

// Of a launch that no op has led to: not a number, so that the line fails.
static constexpr double unchecked = std::numeric_limits<double>::quiet_NaN();

LaunchCheck::LaunchCheck(LoadedProgram &program, const Artifact &artifact, const Tolerances &tolerances)
    : program(program), artifact(artifact), tolerances(tolerances) {
  const auto &launches = *program.target().launches();
  for (uint32_t i = 0; i < launches.size(); ++i) {
    launchOf[launches.Get(i)->source()] = i;
    results.push_back({launches.Get(i)->name()->str(), launches.Get(i)->op()->str(), unchecked, tolerances.launch});
  }
}

Expected<> LaunchCheck::run(lm::FuncOp function, reference::WeightSource &weights, const reference::Inputs &inputs,
                            const Step &step, reference::Caches &caches) {
  if (auto set = program.setStep(step); !set)
    return set;
  std::map<mlir::Operation *, uint32_t> indexOf;
  uint32_t count = 0;
  for (mlir::Operation &op : function.getBody().front())
    indexOf[&op] = count++;

  Expected<> status;
  auto observe = [&](mlir::Operation *op, const std::vector<const reference::Value *> &operands,
                     const std::vector<reference::Value> &values) {
    auto launch = launchOf.find(indexOf[op]);
    if (launch != launchOf.end() && status)
      status = check(launch->second, op, operands, values, step);
  };
  auto evaluated = reference::evaluate(function, weights, inputs, caches, observe);
  if (!evaluated)
    return passError(std::move(evaluated));
  return status;
}

Expected<> LaunchCheck::feed(mlir::Value operand, const reference::Value &value) {
  auto buffer = resultBuffer.find(operand);
  if (buffer == resultBuffer.end()) // an input of the step, or a weight
    return {};
  if (const auto *ints = std::get_if<reference::IntTensor>(&value))
    return program.write(buffer->second, 0, ints->data(), ints->size() * sizeof(int32_t));
  const auto &tensor = std::get<Tensor>(value);
  std::vector<float> rows(tensor.data.begin(), tensor.data.end());
  return program.write(buffer->second, 0, rows.data(), rows.size() * sizeof(float));
}

static bool isInBuffer(const reference::Value &value) {
  return std::holds_alternative<Tensor>(value) || std::holds_alternative<reference::IntTensor>(value);
}

// A launch writes the rows and integers its op makes to its last operands, in order; keys and values go to the KV cache
// among its operands.
Expected<> LaunchCheck::check(uint32_t index, mlir::Operation *op,
                              const std::vector<const reference::Value *> &operands,
                              const std::vector<reference::Value> &values, const Step &step) {
  const fb::Launch &launch = *program.target().launches()->Get(index);
  auto inBuffers = std::count_if(values.begin(), values.end(), isInBuffer);
  auto next = launch.operands()->size() - static_cast<uint32_t>(inBuffers);
  for (auto [result, value] : llvm::zip_equal(op->getResults(), values))
    if (isInBuffer(value)) {
      resultBuffer[result] = launch.operands()->Get(next++);
      if (auto spoiled = spoil(resultBuffer[result], value); !spoiled)
        return spoiled;
    }
  for (auto [operand, value] : llvm::zip_equal(op->getOperands(), operands))
    if (auto fed = feed(operand, *value); !fed)
      return fed;
  if (auto ran = program.runLaunch(index); !ran)
    return makeError("launch {}: {}", launch.name()->str(), ran.error().message);

  for (auto [result, value] : llvm::zip_equal(op->getResults(), values)) {
    Expected<double> error = 0.0;
    double tolerance = results[index].op == "lm.cached_attention" ? tolerances.attention : tolerances.launch;
    // Few rows go to an expert, so the largest value that an error is measured by is smaller.
    if (results[index].op == "lm.expert_matmul")
      tolerance *= 2;
    if (const auto *tensor = std::get_if<Tensor>(&value)) {
      error = compareTensor(resultBuffer[result], *tensor);
    } else if (const auto *ints = std::get_if<reference::IntTensor>(&value)) {
      error = compareInts(resultBuffer[result], *ints);
    } else if (const auto *cache = std::get_if<std::shared_ptr<reference::Cache>>(&value)) {
      for (uint32_t operand : *launch.operands())
        if (operand != UINT32_MAX && program.target().buffers()->Get(operand)->kind() == fb::BufferKind::kv_cache)
          for (const reference::Value *batch : operands)
            if (const auto *ragged = std::get_if<reference::Batch>(batch))
              error = compareCache(operand, **cache, *ragged, step);
      tolerance = tolerances.cache;
    }
    if (!error)
      return passError(std::move(error));
    VerifyLine &line = results[index];
    if (std::isnan(line.error) || *error / tolerance >= line.error / line.tolerance) {
      line.error = *error;
      line.tolerance = tolerance;
    }
  }
  return {};
}

// A buffer may hold the right numbers from another step: what a launch leaves unwritten is to show. These bits are a
// NaN, and a token that no vocabulary has.
Expected<> LaunchCheck::spoil(uint32_t buffer, const reference::Value &value) {
  size_t count = 0;
  if (const auto *tensor = std::get_if<Tensor>(&value))
    count = tensor->data.size();
  else if (const auto *ints = std::get_if<reference::IntTensor>(&value))
    count = ints->size();
  std::vector<int32_t> bits(count, 0x7fffffff);
  return program.write(buffer, 0, bits.data(), bits.size() * sizeof(int32_t));
}

Expected<double> LaunchCheck::compareTensor(uint32_t buffer, const Tensor &want) {
  std::vector<float> got(want.data.size());
  if (auto read = program.read(buffer, 0, got.data(), got.size() * sizeof(float)); !read)
    return passError(std::move(read));
  return relativeError(got.data(), want.data.data(), got.size());
}

// The share of integers that differ.
Expected<double> LaunchCheck::compareInts(uint32_t buffer, const reference::IntTensor &want) {
  std::vector<int32_t> got(want.size());
  if (auto read = program.read(buffer, 0, got.data(), got.size() * sizeof(int32_t)); !read)
    return passError(std::move(read));
  size_t wrong = 0;
  for (size_t i = 0; i < got.size(); ++i)
    wrong += got[i] != want[i];
  return static_cast<double>(wrong) / static_cast<double>(std::max<size_t>(1, want.size()));
}

static float floatAt(const std::byte *at) {
  float value;
  std::memcpy(&value, at, 4);
  return value;
}

static float cacheElement(fb::DType dtype, const std::byte *at, const std::byte *scaleAt) {
  if (dtype == fb::DType::f32)
    return floatAt(at);
  if (dtype == fb::DType::i8)
    return static_cast<float>(static_cast<int8_t>(*at)) * floatAt(scaleAt);
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return dtype == fb::DType::f16 ? halfToFloat(bits) : bf16ToFloat(bits);
}

// This step's keys and values, from where the cache's layout has them.
Expected<double> LaunchCheck::compareCache(uint32_t buffer, const reference::Cache &want, const reference::Batch &batch,
                                           const Step &step) {
  const fb::KvCache &cache = *artifact.program().kv_caches()->Get(program.target().buffers()->Get(buffer)->index());
  size_t dim = cache.dim(), pageSize = cache.page_size();
  KvLayout layout =
      *findKvLayout(cache.layout()->string_view(), cache.dtype(), pageSize, dim); // the loader has checked the name
  std::vector<std::byte> page(cache.page_bytes());
  std::vector<float> got;
  std::vector<double> expected;
  for (size_t s = 0; s < batch.sequences.size(); ++s)
    for (int32_t t = batch.seqStarts[s]; t < batch.seqStarts[s + 1]; ++t) {
      size_t slot = static_cast<size_t>(step.slots[t]), offset = slot % pageSize;
      if (auto read = program.read(buffer, slot / pageSize * page.size(), page.data(), page.size()); !read)
        return passError(std::move(read));
      const double *key = want.keys[batch.sequences[s]].row(batch.positions[t]);
      const double *value = want.values[batch.sequences[s]].row(batch.positions[t]);
      for (size_t head = 0; head < cache.heads(); ++head) {
        const std::byte *block = page.data() + head * layout.blockBytes();
        for (size_t i = 0; i < dim; ++i) {
          got.push_back(cacheElement(cache.dtype(), block + layout.key(offset, i), block + layout.keyScale(offset)));
          expected.push_back(key[head * dim + i]);
          got.push_back(
              cacheElement(cache.dtype(), block + layout.value(offset, i), block + layout.valueScale(offset)));
          expected.push_back(value[head * dim + i]);
        }
      }
    }
  return relativeError(got.data(), expected.data(), got.size());
}

} // namespace quipu::verify
