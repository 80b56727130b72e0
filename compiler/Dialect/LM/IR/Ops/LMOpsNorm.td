#ifndef QUIPU_DIALECT_LM_IR_LMOPSNORM_TD
#define QUIPU_DIALECT_LM_IR_LMOPSNORM_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMInterfaces.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class LM_NormOp<string mnemonic> : LM_Op<mnemonic, [
    Pure, AttrSizedOperandSegments, InferTypeOpAdaptor, RowwiseOpInterface, NormOpInterface
  ]> {
  let results = (outs LM_Rows:$result);
  let hasVerifier = 1;
}

def LM_RmsNormOp : LM_NormOp<"rms_norm"> {
  let summary = "root mean square norm of each row";
  let description = [{
    x / sqrt(mean(x^2) + eps) * gain (Zhang and Sennrich, 2019). With `groups = G` each of G equal parts of a row is
    normalised apart, as the heads of a projection are; a gain of one part serves all of them. Without a gain it is 1.
    `residual` is added last.

    ```mlir
    %n = lm.rms_norm %x, %gain eps 1.0e-5 : tensor<?x64xf32>, tensor<64xbf16>
    %q = lm.rms_norm %x, %gain eps 1.0e-6 groups 4 : tensor<?x64xf32>, tensor<16xf32>
    %h = lm.rms_norm %x, %gain eps 1.0e-6 residual %r : tensor<?x64xf32>, tensor<64xf32>, tensor<?x64xf32>
    ```

    Constraints:
    - (C1) features of `x` are a multiple of `groups`, which is >= 1
    - (C2) `gain` has the features of `x`, or those of one group
    - (C3) `eps` is finite and >= 0
    - (C4) the type of `residual` is that of `x`
  }];
  let arguments = (ins LM_Rows:$x, Optional<LM_Vector>:$gain, Optional<LM_Rows>:$residual, F64Attr:$eps,
                       DefaultValuedAttr<I64Attr, "1">:$groups);
  let assemblyFormat = [{
    $x (`,` $gain^)? `eps` $eps (`groups` $groups^)? (`residual` $residual^)? attr-dict `:` type(operands)
  }];
  let extraClassDeclaration = [{
    /// As of a norm of any kind.
    mlir::Value getBias() { return {}; }
    bool isCentred() { return false; }
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$gain, "::mlir::FloatAttr":$eps), [{
    build($_builder, $_state, x, gain, /*residual=*/::mlir::Value(), eps, $_builder.getI64IntegerAttr(1));
  }]>];
}

def LM_LayerNormOp : LM_NormOp<"layer_norm"> {
  let summary = "norm of each row about its mean";
  let description = [{
    (x - mean(x)) / sqrt(variance(x) + eps) * gain + bias (Ba et al., 2016), the variance being that of the row itself.
    `groups`, an absent gain and `residual` are as in `lm.rms_norm`; an absent bias is 0.

    ```mlir
    %n = lm.layer_norm %x, %gain bias %b eps 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>
    ```

    Constraints:
    - (C1) features of `x` are a multiple of `groups`, which is >= 1
    - (C2) `gain` has the features of `x`, or those of one group
    - (C3) `eps` is finite and >= 0
    - (C4) the type of `residual` is that of `x`
    - (C5) `bias` needs a gain and has its size
  }];
  let arguments = (ins LM_Rows:$x, Optional<LM_Vector>:$gain, Optional<LM_Vector>:$bias, Optional<LM_Rows>:$residual,
                       F64Attr:$eps, DefaultValuedAttr<I64Attr, "1">:$groups);
  let assemblyFormat = [{
    $x (`,` $gain^)? (`bias` $bias^)? `eps` $eps (`groups` $groups^)? (`residual` $residual^)? attr-dict
    `:` type(operands)
  }];
  let extraClassDeclaration = [{
    /// As of a norm of any kind.
    bool isCentred() { return true; }
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$gain, "::mlir::Value":$bias,
                                 "::mlir::FloatAttr":$eps), [{
    build($_builder, $_state, x, gain, bias, /*residual=*/::mlir::Value(), eps, $_builder.getI64IntegerAttr(1));
  }]>];
}

#endif
