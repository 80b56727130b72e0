#ifndef QUIPU_DIALECT_LM_IR_LMOPSNORM_TD
#define QUIPU_DIALECT_LM_IR_LMOPSNORM_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMInterfaces.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_RmsNormOp : LM_Op<"rms_norm", [
    Pure, AllTypesMatch<["x", "result"]>, RowwiseOpInterface
  ]> {
  let summary = "root mean square norm of each row";
  let description = [{
    x / sqrt(mean(x^2) + eps) * gain (Zhang and Sennrich, 2019).

    ```mlir
    %n = lm.rms_norm %x, %gain eps 1.0e-5 : tensor<?x64xf32>, tensor<64xbf16>
    ```

    Constraints:
    - (C1) size of `gain` = features of `x`
    - (C2) `eps` is finite and >= 0
  }];
  let arguments = (ins LM_Rows:$x, LM_Vector:$gain, F64Attr:$eps);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$x `,` $gain `eps` $eps attr-dict `:` type($x) `,` type($gain)";
  let hasVerifier = 1;
}

#endif
