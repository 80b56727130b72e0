#ifndef QUIPU_DIALECT_LM_IR_LMINTERFACES_TD
#define QUIPU_DIALECT_LM_IR_LMINTERFACES_TD

include "mlir/IR/OpBase.td"

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

#endif
