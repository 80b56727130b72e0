#include "runtime/Device/Device.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Support/Rounding.h"

namespace quipu {

LoadedProgram::LoadedProgram(const fb::Model &model, const fb::TargetProgram &target, MemoryPlan &&plan)
    : modelTable(model), targetTable(target), memory(std::move(plan)) {
  inputs.fill(UINT32_MAX);
  outputs.fill(UINT32_MAX);
  for (uint32_t i = 0; i < sizeOf(target.buffers()); ++i) {
    const fb::Buffer &buffer = *target.buffers()->Get(i);
    if (buffer.kind() == fb::BufferKind::input)
      inputs[static_cast<size_t>(*findStepInput(buffer.name()->string_view()))] = i;
    else if (buffer.kind() == fb::BufferKind::output)
      outputs[static_cast<size_t>(*findStepOutput(buffer.name()->string_view()))] = i;
  }
}

Expected<void> checkMemory(const MemoryPlan &plan, uint64_t free, const std::string &path, const std::string &device,
                           bool mapWeights) {
  uint64_t weights = mapWeights ? 0 : plan.weights.bytes;
  uint64_t needed = plan.total - plan.weights.bytes + weights;
  if (needed <= free)
    return {};
  constexpr uint64_t mebi = 1 << 20;
  auto roundedUp = [](uint64_t bytes) { return divideUp(bytes, mebi); };
  return makeError("{}: takes {} MiB of memory ({} of weights, {} of KV cache) on {}, {} MiB are free; lower max "
                   "sequences or max context",
                   path, roundedUp(needed), roundedUp(weights), roundedUp(plan.kv.bytes), device, free / mebi);
}

namespace {

struct Bytes {
  const void *first;
  uint64_t count;
};
template <typename T> Bytes bytesOf(const std::vector<T> &values) { return {values.data(), values.size() * sizeof(T)}; }

} // namespace

Expected<void> LoadedProgram::setStep(const Step &step) {
  if (Expected<void> result = checkStep(step, memory, modelTable.vocab()); !result)
    return result;
  const std::array<Bytes, stepInputNames.size()> values = {
      bytesOf(step.ids),       bytesOf(step.positions),   bytesOf(step.slots),
      bytesOf(step.seqStarts), bytesOf(step.contextLens), bytesOf(step.pageTable),
      bytesOf(step.rows),      bytesOf(step.sampling),    bytesOf(step.seen)};
  for (size_t i = 0; i < values.size(); ++i)
    if (inputs[i] != UINT32_MAX && values[i].count > 0)
      if (Expected<void> result = upload({memory.buffers[inputs[i]].offset, values[i].count}, values[i].first); !result)
        return result;
  setDims(dimsOf(step, memory));
  return {};
}

Expected<MemoryRange> LoadedProgram::rangeOf(uint32_t buffer, uint64_t offset, uint64_t bytes) const {
  if (buffer >= memory.buffers.size())
    return makeError("buffer {} does not exist: there are {}", buffer, memory.buffers.size());
  const MemoryRange &whole = memory.buffers[buffer];
  if (offset > whole.bytes || bytes > whole.bytes - offset)
    return makeError("buffer {} has {} bytes, not {} at {}", buffer, whole.bytes, bytes, offset);
  return MemoryRange{whole.offset + offset, bytes};
}

Expected<void> LoadedProgram::read(uint32_t buffer, uint64_t offset, void *to, uint64_t bytes) {
  Expected<MemoryRange> range = rangeOf(buffer, offset, bytes);
  if (!range)
    return passError(std::move(range));
  return download(*range, to);
}

Expected<void> LoadedProgram::write(uint32_t buffer, uint64_t offset, const void *from, uint64_t bytes) {
  Expected<MemoryRange> range = rangeOf(buffer, offset, bytes);
  if (!range)
    return passError(std::move(range));
  return upload(*range, from);
}

} // namespace quipu
