#include "compiler/Target/Cpu/MatmulProblem.h"

#include "runtime/Device/Cpu/Topology.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>

namespace quipu::cpu {

Expected<std::byte *> ProblemMemory::prepare(uint64_t weightBytes, const StorageFormat &format, uint64_t bytes) {
  if (bytes > block.size()) {
    uint64_t available = availableMemory();
    if (bytes > available)
      return makeError("--tune needs {} MiB of memory for one matmul, and {} MiB are to be had; leave --tune out, or "
                       "lower --max-batch-tokens",
                       bytes >> 20, available >> 20);
    block = HugeBlock(); // not both at a time
    Expected<HugeBlock> larger = HugeBlock::allocate(bytes);
    if (!larger)
      return makeError("--tune: {} MiB of memory cannot be had", bytes >> 20);
    block = std::move(*larger);
    filledBytes = 0;
  }
  if (format.dtype != filledWith || filledBytes < weightBytes)
    fill(format.dtype, block.data(), weightBytes);
  filledWith = format.dtype;
  filledBytes = weightBytes; // what lies behind is overwritten by the other operands
  return block.data();
}

void ProblemMemory::fill(fb::DType dtype, std::byte *to, uint64_t bytes) {
  for (uint64_t at = 0; at < bytes; at += randomPieceBytes)
    random.fill(dtype, at / randomPieceBytes, to + at, std::min(randomPieceBytes, bytes - at));
}

Expected<MatmulProblem> MatmulProblem::create(const KernelStages &stages, int64_t rows, const Chip &chip,
                                              uint64_t coldBytes, ProblemMemory &memory) {
  auto refuse = [&] { return makeError("--tune: kernel @{} is no matmul that can be measured", stages.back().symbol); };
  if (stages.back().generator != "matmul")
    return refuse();
  ParamReader params(stages.back());
  StorageFormat format = params.format("storage");
  int64_t n = params.integer("n"), k = params.integer("k");
  bool gated = params.flag("gated"), bias = params.flag("bias"), residual = params.flag("residual");
  bool norm = stages.front().params.count("norm_eps") != 0, shift = stages.front().params.count("shift") != 0;
  if (!format.takesRow(uint64_t(k)))
    return refuse();
  PanelLayout weight(n, k, format, gated);

  MatmulProblem problem;
  problem.weightBytes = (uint64_t(weight.bytes()) + 63) / 64 * 64;
  problem.copies = std::max<uint64_t>(1, divideUp(coldBytes, problem.weightBytes));
  const KernelSignature &signature = *findSignature("matmul");
  std::vector<uint64_t> floats(signature.operands.size());
  auto floatsOf = [&](std::string_view operand) -> uint64_t & { return floats[signature.operand(operand)]; };
  auto count = [](int64_t rows, int64_t columns) { return uint64_t(rows) * uint64_t(columns); };
  floatsOf("x") = count(rows, k);
  floatsOf("gain") = norm ? uint64_t(k) : 0;
  floatsOf("shift") = shift ? uint64_t(k) : 0;
  floatsOf("bias") = bias ? count(gated ? 2 : 1, n) : 0;
  floatsOf("residual") = residual ? count(rows, n) : 0;
  PackedInput packed(k, format, chip, params.integer("parts"));
  floatsOf("packed") = count(rows + packedTile(format, chip) - 1, packed.rowBytes()) / sizeof(float) + 1;
  floatsOf("out") = count(rows, n);

  uint64_t weights = problem.copies * problem.weightBytes, bytes = weights;
  std::vector<uint64_t> offsets;
  for (uint64_t count : floats) {
    offsets.push_back(bytes);
    bytes += (count * sizeof(float) + 63) / 64 * 64;
  }
  Expected<std::byte *> memoryOfAll = memory.prepare(weights, format, bytes);
  if (!memoryOfAll)
    return passError(std::move(memoryOfAll));
  problem.weight = signature.operand("weight");
  problem.operands.resize(floats.size());
  problem.operands[problem.weight] = *memoryOfAll;
  for (size_t i = 0; i < floats.size(); ++i)
    if (floats[i] > 0) {
      problem.operands[i] = *memoryOfAll + offsets[i];
      memory.fill(fb::DType::f32, *memoryOfAll + offsets[i], floats[i] * sizeof(float));
    }
  return problem;
}

MatmulProblem::Operands MatmulProblem::operandsOfTurn(uint64_t turn) const {
  Operands now = operands;
  now[weight] = static_cast<std::byte *>(operands[weight]) + turn % copies * weightBytes;
  return now;
}

} // namespace quipu::cpu
