#pragma once

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"

#include "compiler/Dialect/LM/IR/LMEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/LM/IR/LMAttrs.h.inc"
