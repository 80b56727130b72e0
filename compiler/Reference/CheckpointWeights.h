// The weights of a checkpoint as the oracle sees them.
#pragma once

#include "compiler/Reference/Evaluator.h"
#include "models/import/Checkpoint.h"

namespace quipu::reference {

class CheckpointWeights : public WeightSource {
public:
  explicit CheckpointWeights(const models::Checkpoint &checkpoint) : checkpoint(checkpoint) {}
  Expected<std::shared_ptr<const Weight>> find(const WeightPiece &piece, const StorageFormat &storage) override;

private:
  const models::Checkpoint &checkpoint;
};

} // namespace quipu::reference
