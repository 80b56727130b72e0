#ifndef QUIPU_DIALECT_LM_IR_LMOPSDENSE_TD
#define QUIPU_DIALECT_LM_IR_LMOPSDENSE_TD

include "compiler/Dialect/LM/IR/LMAttrs.td"
include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMInterfaces.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_EmbeddingOp : LM_Op<"embedding", [Pure, InferTypeOpAdaptor]> {
  let summary = "rows of a table, by token id";
  let description = [{
    Row t of the result is row ids[t] of the table, as f32, times `scale` where there is one. Ids are below the table's
    rows; the caller checks that.

    ```mlir
    %x = lm.embedding %ids, %table : tensor<512x64xbf16>
    %y = lm.embedding %ids, %table scale 8.0 : tensor<512x64xbf16>
    ```

    Constraints:
    - (C1) `scale` is finite
  }];
  let arguments = (ins LM_Ints:$ids, LM_Matrix:$table, OptionalAttr<F64Attr>:$scale);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$ids `,` $table (`scale` $scale^)? attr-dict `:` type($table)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$ids, "::mlir::Value":$table), [{
    build($_builder, $_state, ids, table, /*scale=*/nullptr);
  }]>];
}

def LM_MatmulOp : LM_Op<"matmul", [
    Pure, AttrSizedOperandSegments, InferTypeOpAdaptor, RowwiseOpInterface
  ]> {
  let summary = "matmul with a weight, its prologue and its epilogue";
  let description = [{
    y = x W^T for `x` [rows, K] and `weight` W [N, K]. Around the product, in this order:
    1. `norm gain eps`: x is first normalised as by `lm.rms_norm`; with `centred`, and `shift` for its bias, as by
       `lm.layer_norm`;
    2. `bias` is added to the product;
    3. `activation` is applied; with `gated`, W is [2N, K], rows 0 to N-1 the gate projection and N to 2N-1 the up
       projection (bias likewise), and y = activation(gate) * up;
    4. `scale`: the result times a constant;
    5. `softcap`: as by `lm.softcap`;
    6. `residual` is added.

    ```mlir
    %y = lm.matmul %x, %w : tensor<?x64xf32>, tensor<96x64xbf16>
    %h = lm.matmul %x, %gate_up norm %gain eps 1.0e-5 activation silu gated
           : tensor<?x64xf32>, tensor<256x64xbf16>, tensor<64xf32>
    %z = lm.matmul %h, %down bias %b residual %x
           : tensor<?x128xf32>, tensor<64x128xbf16>, tensor<64xf32>, tensor<?x64xf32>
    ```

    Types of the operands follow in the order x, weight, gain, shift, bias, residual.

    Constraints:
    - (C1) columns of `weight` = features of `x`
    - (C2) size of `gain` = features of `x`
    - (C3) `eps` is there with `norm` only, finite and >= 0
    - (C4) size of `bias` = rows of `weight`
    - (C5) `gated` needs an `activation`
    - (C6) a gated weight has an even number of rows
    - (C7) the type of `residual` is the result's
    - (C8) `centred` needs a `norm`; `shift` needs `centred` and has the features of `x`
    - (C9) `scale` is finite, `softcap` is finite and > 0
  }];
  let arguments = (ins
    LM_Rows:$x,
    LM_Matrix:$weight,
    Optional<LM_Vector>:$gain,
    Optional<LM_Vector>:$shift,
    Optional<LM_Vector>:$bias,
    Optional<LM_Rows>:$residual,
    OptionalAttr<F64Attr>:$norm_eps,
    UnitAttr:$centred,
    OptionalAttr<LM_Activation>:$activation,
    UnitAttr:$gated,
    OptionalAttr<F64Attr>:$scale,
    OptionalAttr<F64Attr>:$softcap
  );
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight (`norm` $gain^ `eps` $norm_eps)? (`centred` $centred^)? (`shift` $shift^)? (`bias` $bias^)?
    (`activation` `` $activation^)? (`gated` $gated^)? (`scale` $scale^)? (`softcap` $softcap^)? (`residual` $residual^)?
    attr-dict `:` type(operands)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$weight), [{
    build($_builder, $_state, x, weight, /*gain=*/nullptr, /*shift=*/nullptr, /*bias=*/nullptr, /*residual=*/nullptr,
          /*norm_eps=*/nullptr, /*centred=*/nullptr, /*activation=*/nullptr, /*gated=*/nullptr, /*scale=*/nullptr,
          /*softcap=*/nullptr);
  }]>];
  let extraClassDeclaration = [{
    /// K: features of a row of x, columns of the weight.
    int64_t getInFeatures() { return getX().getType().getDimSize(1); }
    /// N: features of a row of the result; half the rows of a gated weight.
    int64_t getOutFeatures() { return getResult().getType().getDimSize(1); }
    /// Whether anything follows the product and its bias that a change of the product's columns would disturb.
    bool hasEpilogueAfterBias() { return getActivation() || getScale() || getSoftcap() || getResidual(); }
  }];
}

#endif
