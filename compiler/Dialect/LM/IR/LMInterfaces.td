#ifndef QUIPU_DIALECT_LM_IR_LMINTERFACES_TD
#define QUIPU_DIALECT_LM_IR_LMINTERFACES_TD

include "mlir/IR/OpBase.td"

def WeightExpressionOpInterface : OpInterface<"WeightExpressionOpInterface"> {
  let cppNamespace = "::quipu::lm";
  let description = [{
    A constant that is made of checkpoint tensors when weights are packed, never at run time: pieces of them
    (compiler/Quantization/WeightPiece.h), joined along rows. Packer and reference read the pieces, so they agree about
    what the weight is.
  }];
  let methods = [
    InterfaceMethod<"The pieces, first rows first.", "::llvm::SmallVector<::quipu::WeightPiece>", "getPieces">
  ];
}

def RowwiseOpInterface : OpInterface<"RowwiseOpInterface"> {
  let cppNamespace = "::quipu::lm";
  let description = [{
    Row i of the result depends on row i of the row operands and on no other row, so rows may be selected before the op
    instead of after it.
  }];
  let methods = [
    InterfaceMethod<
      "The operands of which each row makes the same row of the result.",
      "::llvm::SmallVector<::mlir::OpOperand *>", "getRowOperands", (ins), /*methodBody=*/"",
      /*defaultImplementation=*/[{
        ::llvm::SmallVector<::mlir::OpOperand *> rows;
        for (::mlir::OpOperand &operand : $_op->getOpOperands())
          if (::quipu::lm::isRowsType(operand.get().getType()))
            rows.push_back(&operand);
        return rows;
      }]>
  ];
}

def NormOpInterface : OpInterface<"NormOpInterface"> {
  let cppNamespace = "::quipu::lm";
  let description = [{
    A norm of rows, of whatever kind: what fusions and lowerings need to know of it.
  }];
  let methods = [
    InterfaceMethod<"The rows.", "::mlir::Value", "getNormInput", (ins), "", [{ return $_op.getX(); }]>,
    InterfaceMethod<"Null: 1.", "::mlir::Value", "getNormGain", (ins), "", [{ return $_op.getGain(); }]>,
    InterfaceMethod<"Null: 0.", "::mlir::Value", "getNormBias", (ins), "", [{ return $_op.getBias(); }]>,
    InterfaceMethod<"Added last; null: nothing is.", "::mlir::Value", "getAddedResidual", (ins), "",
                    [{ return $_op.getResidual(); }]>,
    InterfaceMethod<"Added to the variance.", "::llvm::APFloat", "getEpsilon", (ins), "", [{ return $_op.getEps(); }]>,
    InterfaceMethod<"Parts of a row that are normalised apart.", "int64_t", "getGroupCount", (ins), "",
                    [{ return static_cast<int64_t>($_op.getGroups()); }]>,
    InterfaceMethod<"Whether the mean is taken off.", "bool", "isCentred">
  ];
}

#endif
