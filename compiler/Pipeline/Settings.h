// What a compile request means for this checkpoint: its defaults filled in, its values checked.
#pragma once

#include "compiler/Api/CompilerApi.h"
#include "compiler/Pipeline/PhasePasses.h"
#include "models/Family.h"
#include "models/import/Checkpoint.h"
#include "runtime/Support/Error.h"

#include <string>
#include <vector>

namespace quipu {

// Targets come out as "cpu:CHIP", each once, "cpu" as the chip of this host. Errors name the flag. A warning says where
// the default storage loses precision that the checkpoint has.
Expected<PhaseOptions> resolvePhaseOptions(const PhaseRequest &request, const models::Checkpoint &checkpoint,
                                           const models::ModelDescription &model, std::vector<std::string> &warnings);

} // namespace quipu
