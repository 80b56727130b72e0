#include "tools/quipu/Commands/Bench/StepCost.h"
#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Artifact/StorageFormat.h"

#include <algorithm>
#include <array>
#include <set>

namespace quipu::tool {
namespace {

DotInstruction instructionFor(fb::DType dtype, const std::set<std::string> &features) {
  const StorageFormat *format = findStorageFormat(dtype);
  if (format && format->isBlocked())
    return features.count("avx512vnni") || features.count("avxvnni") ? DotInstruction::Int8Dot : DotInstruction::F32Fma;
  return dtype == fb::DType::bf16 && features.count("avx512bf16") ? DotInstruction::Bf16Dot : DotInstruction::F32Fma;
}

// Of all matrices that a launch has: those that one token is multiplied with. Experts are chosen by ids, its i32
// operand.
double shareOfMatrices(const fb::TargetProgram &target, const fb::Launch &launch, const fb::Weight &weight) {
  if (launch.op()->str() != "lm.expert_matmul" || weight.shape()->size() != 3)
    return 1;
  for (uint32_t operand : *launch.operands()) {
    const fb::Buffer *buffer = operand == UINT32_MAX ? nullptr : target.buffers()->Get(operand);
    if (buffer && buffer->dtype() == fb::DType::i32)
      return static_cast<double>(buffer->columns()) / static_cast<double>(weight.shape()->Get(0));
  }
  return 1;
}

} // namespace

StepCost::StepCost(Engine &engine) {
  const fb::Program &program = engine.artifact().program();
  const fb::TargetProgram &target = engine.loadedProgram().target();
  std::set<std::string> features;
  for (uint32_t i = 0; i < sizeOf(target.features()); ++i)
    features.insert(target.features()->Get(i)->str());
  std::array<double, 3> elementsOf = {}; // of weights, by DotInstruction
  for (uint32_t i = 0; i < sizeOf(target.launches()); ++i) {
    const fb::Launch *launch = target.launches()->Get(i);
    std::string op = launch->op()->str();
    for (uint32_t j = 0; j < sizeOf(launch->operands()); ++j) {
      uint32_t operand = launch->operands()->Get(j);
      if (operand == UINT32_MAX)
        continue;
      const fb::Buffer *buffer = target.buffers()->Get(operand);
      if ((op == "lm.matmul" || op == "lm.expert_matmul") && buffer->kind() == fb::BufferKind::weight) {
        const fb::Weight *weight = program.weights()->Get(buffer->index());
        double share = shareOfMatrices(target, *launch, *weight), elements = share;
        for (uint64_t size : *weight->shape())
          elements *= static_cast<double>(size);
        matmulBytes += share * static_cast<double>(weight->bytes());
        if (weight->shape()->size() < 2)
          continue;
        (launch->dim() == fb::Dim::rows ? rowFlops : tokenFlops) += 2 * elements;
        elementsOf[size_t(instructionFor(weight->dtype(), features))] += elements;
      }
      if (op == "lm.cached_attention" && buffer->kind() == fb::BufferKind::kv_cache) {
        const fb::KvCache *cache = program.kv_caches()->Get(buffer->index());
        kvBytesPerPosition += static_cast<double>(cache->page_bytes()) / cache->page_size();
        // q k^T and weights times v: the output has heads * dim columns.
        const fb::Buffer *out = target.buffers()->Get(launch->operands()->Get(launch->operands()->size() - 1));
        attentionFlopsPerPair += 4.0 * static_cast<double>(out->columns());
      }
    }
  }
  dot = DotInstruction(std::max_element(elementsOf.begin(), elementsOf.end()) - elementsOf.begin());
}

} // namespace quipu::tool
