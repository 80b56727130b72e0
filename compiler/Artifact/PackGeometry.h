// Launch geometry in the artifact's form.
#pragma once

#include "compiler/Codegen/LaunchGeometry.h"
#include "runtime/Artifact/Program_generated.h"

#include <memory>

namespace quipu {

std::unique_ptr<fb::LaunchGeometryT> packGeometry(const LaunchGeometry &geometry);

} // namespace quipu
