#ifndef QUIPU_DIALECT_LM_IR_LMOPS_TD
#define QUIPU_DIALECT_LM_IR_LMOPS_TD

include "compiler/Dialect/LM/IR/Ops/LMOpsAttention.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsCache.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsDense.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsExperts.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsFunc.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsNorm.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsPointwise.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsRows.td"
include "compiler/Dialect/LM/IR/Ops/LMOpsWeight.td"

#endif
