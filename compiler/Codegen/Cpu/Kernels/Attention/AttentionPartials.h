// Attention of one token and head cut along its positions: what a part leaves for attention_merge.
#pragma once

#include "compiler/Codegen/AttentionShape.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "runtime/Support/Rounding.h"

namespace quipu::cpu {

constexpr int64_t attentionBlockPages = 4; // pages between two rescalings of a softmax; parts are whole blocks

// The `partials` operand: [sequence][part][head] of o [paddedDim], not divided by the sum of weights yet, then the
// largest score (an exponent of two) and the sum of weights; f32. The more sequences a step has, the fewer parts has
// each (Splits::most), so that the buffer has one size whatever number of sequences a program is loaded for.
struct PartialLayout {
  static constexpr int64_t mostParts = 64; // of a step

  int64_t heads, paddedDim;

  static PartialLayout of(const AttentionShape &shape) { return {shape.heads, roundUp(shape.dim, 16)}; }
  int64_t maximumAt() const { return paddedDim * 4; }
  int64_t sumAt() const { return paddedDim * 4 + 4; }
  int64_t rowBytes() const { return paddedDim * 4 + 64; }
  int64_t partBytes() const { return heads * rowBytes(); }
  int64_t bytes() const { return mostParts * partBytes(); }
};

// The number of a sequence's first token in the step; that of the sequence behind the last is the number of tokens.
Value firstToken(KernelBuilder &b, Value sequence);

// How the positions of a step's decoding sequences are cut. Both kernels ask here. Borders are the same whoever takes a
// part, and so are the results: they depend on the positions, the sequences of the step and the number of workers.
class Splits {
public:
  // `window`: 0 is none.
  Splits(KernelBuilder &b, int64_t pageSize, int64_t window);

  // A token's parts. `tapers`: their sizes go down.
  struct Cut {
    Value blocks, parts, tapers;
  };
  // Equal parts, one for each worker; of several sequences so many that each worker has about eight of all. None is of
  // less than 256 positions.
  //
  // A sequence alone tapers, where it has more than 1024 positions for each worker: seven eighths in equal parts,
  // one for each worker, of the rest three quarters so, and so on down to single blocks. The first parts are long, so
  // there is little to merge, and the last ones short, so all workers end at about the same time though one may have
  // been slower by some percent.
  Cut of(Value token) const;
  // The blocks [first, last) of a part.
  std::pair<Value, Value> blocksOf(const Cut &cut, Value part) const;
  // The number of a sequence's part among those of the step.
  Value numberInStep(Value sequence, Value part) const;

private:
  // The sizes go down from tier to tier, of one part for each worker. `part`: ends at its tier; null: behind the last.
  struct Tier {
    Value parts, blocks, rest; // parts and blocks before it, blocks left
    Value size;                // of its parts; 0: no more tier, but the last parts
  };
  Tier tier(Value blocks, Value tapers, Value part) const;
  Value lastParts(const Tier &tier) const; // how many

  KernelBuilder &b;
  int64_t pageSize, window;
  Value most, ofSeveral; // parts that a sequence may have, and that it has where there are several of them
};

} // namespace quipu::cpu
