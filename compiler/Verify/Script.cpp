#include "compiler/Verify/Script.h"

#include <algorithm>
#include <random>

namespace quipu::verify {

Script makeScript(const std::vector<int32_t> &prompt, int64_t vocab, int64_t context) {
  Script script;
  int32_t first = prompt.empty() ? 21 : static_cast<int32_t>(prompt.size());
  script.steps = {{{0, first}, {1, 5}}, {{0, 1}, {1, 1}, {2, 2}}, {{1, 1}, {2, 7}}, {{0, 1}}};
  std::vector<int32_t> lengths(3);
  for (auto &step : script.steps) {
    for (Script::Part &part : step) {
      part.count = std::min<int32_t>(part.count, static_cast<int32_t>(context) - lengths[part.sequence]);
      lengths[part.sequence] += part.count;
    }
    step.erase(std::remove_if(step.begin(), step.end(), [](const Script::Part &part) { return part.count == 0; }),
               step.end());
  }
  script.steps.erase(
      std::remove_if(script.steps.begin(), script.steps.end(), [](const auto &step) { return step.empty(); }),
      script.steps.end());
  std::mt19937 random(1); // its sequence is fixed by the standard
  for (size_t s = 0; s < lengths.size(); ++s) {
    std::vector<int32_t> ids;
    if (s == 0)
      ids = prompt;
    while (ids.size() < static_cast<size_t>(lengths[s]))
      ids.push_back(static_cast<int32_t>(random() % static_cast<uint64_t>(vocab)));
    script.tokens.push_back(std::move(ids));
  }
  return script;
}

ScriptStep takeStep(const Script &script, size_t index, std::vector<int32_t> &done) {
  ScriptStep step;
  reference::Inputs &inputs = step.inputs;
  inputs.batch.seqStarts = {0};
  for (const Script::Part &part : script.steps[index]) {
    for (int32_t i = 0; i < part.count; ++i, ++done[part.sequence]) {
      inputs.ids.push_back(script.tokens[part.sequence][done[part.sequence]]);
      inputs.positions.push_back(done[part.sequence]);
    }
    inputs.batch.sequences.push_back(part.sequence);
    inputs.batch.seqStarts.push_back(static_cast<int32_t>(inputs.ids.size()));
    inputs.rows.push_back(static_cast<int32_t>(inputs.ids.size()) - 1);
    step.contextLens.push_back(done[part.sequence]);
    step.asked.emplace_back(part.sequence, done[part.sequence] - 1);
  }
  return step;
}

Step deviceStep(const ScriptStep &step, const MemoryPlan &plan) {
  const reference::Inputs &inputs = step.inputs;
  Step out;
  out.ids = inputs.ids;
  out.positions = inputs.positions;
  out.rows = inputs.rows;
  out.sampling.resize(out.rows.size());
  out.seqStarts = inputs.batch.seqStarts;
  out.contextLens = step.contextLens;
  int32_t stride = static_cast<int32_t>(plan.limits.pageStride), pageSize = static_cast<int32_t>(plan.pageSize);
  for (size_t s = 0; s < inputs.batch.sequences.size(); ++s) {
    int32_t firstPage = inputs.batch.sequences[s] * stride;
    for (int32_t page = 0; page < stride; ++page)
      out.pageTable.push_back(firstPage + page);
    for (int32_t t = inputs.batch.seqStarts[s]; t < inputs.batch.seqStarts[s + 1]; ++t)
      out.slots.push_back(firstPage * pageSize + inputs.positions[t]);
  }
  return out;
}

} // namespace quipu::verify
