// One check of a conformance artifact on a device: operands in, launch, operands out, compared.
#pragma once

#include "runtime/Artifact/CheckList.h"
#include "runtime/Device/Device.h"

namespace quipu {

struct CheckResult {
  double share = 0;    // largest difference over what is allowed; infinite where something else is wrong
  std::string message; // what is wrong; empty: nothing
};

// Memory around the operands is filled with bytes that read as NaN and must be as it was afterwards, and so must
// operands that the launch only reads. An error where the device fails.
Expected<CheckResult> runCheck(LoadedProgram &program, const fb::CheckList &list, const fb::Check &check);

} // namespace quipu
