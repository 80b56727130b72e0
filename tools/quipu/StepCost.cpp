#include "tools/quipu/StepCost.h"
#include "runtime/Artifact/ProgramChecks.h"

namespace quipu::tool {

StepCost::StepCost(Engine &engine) {
  const fb::Program &program = engine.artifact().program();
  const fb::TargetProgram &target = engine.loadedProgram().target();
  bool bf16Chip = false, bf16Weights = false;
  for (uint32_t i = 0; i < sizeOf(target.features()); ++i)
    bf16Chip |= target.features()->Get(i)->str() == "avx512bf16";
  for (uint32_t i = 0; i < sizeOf(target.launches()); ++i) {
    const fb::Launch *launch = target.launches()->Get(i);
    std::string op = launch->op()->str();
    for (uint32_t j = 0; j < sizeOf(launch->operands()); ++j) {
      uint32_t operand = launch->operands()->Get(j);
      if (operand == UINT32_MAX)
        continue;
      const fb::Buffer *buffer = target.buffers()->Get(operand);
      if (op == "lm.matmul" && buffer->kind() == fb::BufferKind::weight) {
        const fb::Weight *weight = program.weights()->Get(buffer->index());
        double elements = 1;
        for (uint64_t size : *weight->shape())
          elements *= static_cast<double>(size);
        matmulBytes += static_cast<double>(weight->bytes());
        if (weight->shape()->size() != 2)
          continue;
        (launch->dim() == fb::Dim::rows ? rowFlops : tokenFlops) += 2 * elements;
        bf16Weights |= weight->dtype() == fb::DType::bf16;
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
  usesBf16Dot = bf16Chip && bf16Weights;
}

} // namespace quipu::tool
