// The experts that a device chose for each token of a script. A whole step can be held to the definition only with the
// same choices: where two experts score about the same, the device's roundings decide.
#pragma once

#include "compiler/Reference/Evaluator.h"
#include "compiler/Verify/Script.h"
#include "runtime/Device/Device.h"

namespace quipu::verify {

class DeviceRoutes {
public:
  // `sequences` of the script.
  DeviceRoutes(LoadedProgram &program, size_t sequences);

  // Whether the program has any.
  bool any() const { return !launches.empty(); }

  // Runs a step that is set launch by launch, and reads what each route chose for its tokens.
  Expected<> record(const reference::Inputs &inputs);

  // Of one sequence, from its first token on: an entry a route, in the order of the program.
  reference::RouteChoices &of(size_t sequence) { return choices[sequence]; }

private:
  struct Route {
    uint32_t launch, buffer;
    int64_t chosen; // ids of a token
  };

  LoadedProgram &program;
  std::vector<Route> launches;
  std::vector<reference::RouteChoices> choices;
};

} // namespace quipu::verify
