// LM -> LM passes. Their reference is generated from Passes.td; their order lives in compiler/Pipeline.
#pragma once

#include "compiler/Dialect/LM/IR/LMOps.h"

#include "mlir/Pass/Pass.h"

namespace quipu::lm {

#define GEN_PASS_DECL
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"

} // namespace quipu::lm
