// Fills the bytes of a weight in the layouts tile64 and tile64_gated (WeightLayout.h).
#pragma once

#include "compiler/Codegen/Gpu/WeightLayout.h"
#include "compiler/Codegen/WeightPacker.h"
#include "compiler/Codegen/WeightRows.h"

#include <memory>

namespace quipu::gpu {

class TilePacker : public WeightPacker {
public:
  // Errors name the tensor: a storage other than f32, f16 and bf16, an odd number of rows for the gated form.
  static Expected<std::unique_ptr<WeightPacker>> create(WeightRows rows, bool gated);

  uint64_t bytes() const override { return uint64_t(layout.bytes()); }
  void pack(uint64_t begin, std::byte *out, uint64_t count) const override;

private:
  TilePacker(WeightRows rows, TileLayout layout) : source(std::move(rows)), layout(layout) {}
  void packPanel(int64_t panel, std::byte *out) const;
  // The joined row at place `row` of a panel; -1 where the panel is padding.
  int64_t rowInPanel(int64_t panel, int64_t row) const;

  WeightRows source;
  TileLayout layout;
};

} // namespace quipu::gpu
