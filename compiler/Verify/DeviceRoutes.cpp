#include "compiler/Verify/DeviceRoutes.h"

namespace quipu::verify {

DeviceRoutes::DeviceRoutes(LoadedProgram &program, size_t sequences) : program(program), choices(sequences) {
  const fb::TargetProgram &target = program.target();
  for (uint32_t i = 0; i < target.launches()->size(); ++i) {
    const fb::Launch &launch = *target.launches()->Get(i);
    if (launch.op()->string_view() != "lm.route")
      continue;
    uint32_t ids = launch.operands()->Get(launch.operands()->size() - 2); // then the weights
    launches.push_back({i, ids, int64_t(target.buffers()->Get(ids)->columns())});
  }
  for (reference::RouteChoices &ofSequence : choices) {
    ofSequence.ids.resize(launches.size());
    ofSequence.given = true;
  }
}

Expected<> DeviceRoutes::record(const reference::Inputs &inputs) {
  size_t next = 0;
  for (uint32_t launch = 0; launch < program.target().launches()->size(); ++launch) {
    if (auto ran = program.runLaunch(launch); !ran)
      return ran;
    if (next == launches.size() || launches[next].launch != launch)
      continue;
    const Route &route = launches[next];
    std::vector<int32_t> ids(inputs.ids.size() * size_t(route.chosen));
    if (auto read = program.read(route.buffer, 0, ids.data(), ids.size() * sizeof(int32_t)); !read)
      return read;
    for (size_t s = 0; s < inputs.batch.sequences.size(); ++s) {
      reference::IntTensor &ofSequence = choices[size_t(inputs.batch.sequences[s])].ids[next];
      ofSequence.insert(ofSequence.end(), ids.begin() + inputs.batch.seqStarts[s] * route.chosen,
                        ids.begin() + inputs.batch.seqStarts[s + 1] * route.chosen);
    }
    ++next;
  }
  return {};
}

} // namespace quipu::verify
