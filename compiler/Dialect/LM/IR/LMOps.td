#ifndef QUIPU_DIALECT_LM_IR_LMOPS_TD
#define QUIPU_DIALECT_LM_IR_LMOPS_TD

include "compiler/Dialect/LM/IR/LMOpsAttention.td"
include "compiler/Dialect/LM/IR/LMOpsCache.td"
include "compiler/Dialect/LM/IR/LMOpsDense.td"
include "compiler/Dialect/LM/IR/LMOpsFunc.td"
include "compiler/Dialect/LM/IR/LMOpsNorm.td"
include "compiler/Dialect/LM/IR/LMOpsPointwise.td"
include "compiler/Dialect/LM/IR/LMOpsRows.td"
include "compiler/Dialect/LM/IR/LMOpsWeight.td"

#endif
