#pragma once

#include "mlir/IR/Dialect.h"

#include "compiler/Dialect/LM/IR/LMDialect.h.inc"
