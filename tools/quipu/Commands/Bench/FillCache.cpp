#include "tools/quipu/Commands/Bench/FillCache.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Support/Rounding.h"
#include "tools/quipu/Commands/Bench/TimedSteps.h"

#include <algorithm>

namespace quipu::tool {

Expected<> fillCache(Engine &engine, uint32_t sequences, uint32_t positions) {
  LoadedProgram &program = engine.loadedProgram();
  const MemoryPlan &plan = program.plan();
  // The pool gives the lowest page first: it is the one that this prompt has.
  if (auto computed = runSteps(engine, 1, std::min(positions, plan.pageSize), 1); !computed)
    return passError(std::move(computed));
  uint64_t pages = uint64_t(sequences) * divideUp(positions, plan.pageSize);
  const auto *buffers = program.target().buffers();
  for (uint32_t buffer = 0; buffer < sizeOf(buffers); ++buffer) {
    if (buffers->Get(buffer)->kind() != fb::BufferKind::kv_cache)
      continue;
    std::vector<std::byte> page(plan.buffers[buffer].bytes / plan.pageCount);
    if (auto read = program.read(buffer, 0, page.data(), page.size()); !read)
      return read;
    for (uint64_t i = 1; i < std::min<uint64_t>(pages, plan.pageCount); ++i)
      if (auto written = program.write(buffer, i * page.size(), page.data(), page.size()); !written)
        return written;
  }
  return {};
}

} // namespace quipu::tool
