#include "compiler/Dialect/LM/IR/LMDialect.h"
#include "compiler/Dialect/LM/IR/LMOps.h"

using namespace mlir;
using namespace quipu::lm;

#include "compiler/Dialect/LM/IR/LMDialect.cpp.inc"
#include "compiler/Dialect/LM/IR/LMInterfaces.cpp.inc"

void LMDialect::initialize() {
  registerTypes();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "compiler/Dialect/LM/IR/LMOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "compiler/Dialect/LM/IR/LMOps.cpp.inc"
