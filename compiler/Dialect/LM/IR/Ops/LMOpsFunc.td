#ifndef QUIPU_DIALECT_LM_IR_LMOPSFUNC_TD
#define QUIPU_DIALECT_LM_IR_LMOPSFUNC_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_FuncOp : LM_Op<"func", [
    FunctionOpInterface, IsolatedFromAbove,
    OpAsmOpInterface
  ]> {
  let summary = "graph of a model";
  let description = [{
    One basic block, ended by `lm.return`.

    ```mlir
    lm.func @model(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x512xf32> {
      ...
      lm.return %logits : tensor<?x512xf32>
    }
    ```

    Constraints:
    - (C1) the body is one block
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    OptionalAttr<StrAttr>:$sym_visibility,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs
  );
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type)>];
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }

    /// Arguments of the two forms are called ids, pos, rows and batch in printed IR.
    void getAsmBlockArgumentNames(::mlir::Region &region, ::mlir::OpAsmSetValueNameFn setName);
  }];
}

def LM_ReturnOp : LM_Op<"return", [Pure, HasParent<"FuncOp">, ReturnLike, Terminator]> {
  let summary = "results of an `lm.func`";
  let description = [{
    Constraints:
    - (C1) one operand for each result of the function
    - (C2) operand types are the function's result types
  }];
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
  let hasVerifier = 1;
}

#endif
