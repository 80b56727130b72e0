// The kernel dialect: launches of one step, their buffers and kernels. KernelOps.td is the reference.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"

#include "compiler/Dialect/Kernel/IR/KernelDialect.h.inc"
#include "compiler/Dialect/Kernel/IR/KernelEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "compiler/Dialect/Kernel/IR/KernelTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/Kernel/IR/KernelAttrs.h.inc"

#define GET_OP_CLASSES
#include "compiler/Dialect/Kernel/IR/KernelOps.h.inc"
