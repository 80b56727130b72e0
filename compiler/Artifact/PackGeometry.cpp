#include "compiler/Artifact/PackGeometry.h"

namespace quipu {

std::unique_ptr<fb::LaunchGeometryT> packGeometry(const LaunchGeometry &geometry) {
  auto table = std::make_unique<fb::LaunchGeometryT>();
  for (const GridAxis &axis : {geometry.x, geometry.y, geometry.z}) {
    table->grid.push_back(std::make_unique<fb::GridAxisT>());
    table->grid.back()->dim = axis.dim == GridAxis::constant ? fb::Dim::none : static_cast<fb::Dim>(axis.dim);
    table->grid.back()->divide = static_cast<uint32_t>(axis.divide);
    table->grid.back()->times = static_cast<uint32_t>(axis.times);
  }
  table->block = static_cast<uint32_t>(geometry.threads);
  table->shared_bytes = static_cast<uint32_t>(geometry.sharedBytes);
  table->cluster = static_cast<uint32_t>(geometry.cluster);
  table->early_start = geometry.earlyStart;
  return table;
}

} // namespace quipu
