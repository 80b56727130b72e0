#ifndef QUIPU_DIALECT_LM_IR_LMOPSWEIGHT_TD
#define QUIPU_DIALECT_LM_IR_LMOPSWEIGHT_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_WeightOp : LM_Op<"weight", [Pure]> {
  let summary = "tensor of the checkpoint, by name";
  let description = [{
    The value is the checkpoint's tensor, rounded to the element type of the result.

    ```mlir
    %gain = lm.weight @model.norm.weight : tensor<64xf32>
    ```

    Constraints:
    - (C1) the name is not empty
    - (C2) the columns of a matrix that is stored in blocks are whole blocks
  }];
  let arguments = (ins SymbolNameAttr:$tensor_name);
  let results = (outs LM_Weight:$result);
  let assemblyFormat = "$tensor_name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def LM_ConcatRowsOp : LM_Op<"concat_rows", [Pure, InferTypeOpAdaptor]> {
  let summary = "weights joined along their rows";
  let description = [{
    A constant: joined when weights are packed, never at run time. Vectors (biases) are joined end to end.

    ```mlir
    %qkv = lm.concat_rows %q, %k, %v : tensor<64x64xbf16>, tensor<32x64xbf16>, tensor<32x64xbf16>
    ```

    Constraints:
    - (C1) at least one operand
    - (C2) all operands have the rank of the first
    - (C3) all operands have the element type of the first
    - (C4) all matrices have the columns of the first
  }];
  let arguments = (ins Variadic<LM_Weight>:$weights);
  let results = (outs LM_Weight:$result);
  let assemblyFormat = "$weights attr-dict `:` type($weights)";
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

#endif
