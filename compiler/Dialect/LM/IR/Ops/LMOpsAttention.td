#ifndef QUIPU_DIALECT_LM_IR_LMOPSATTENTION_TD
#define QUIPU_DIALECT_LM_IR_LMOPSATTENTION_TD

include "compiler/Dialect/LM/IR/LMAttrs.td"
include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_RopeOp : LM_Op<"rope", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "rotary position embedding of every head";
  let description = [{
    `x` is [rows, heads * dim], head after head; each head of row t is turned for position positions[t] as `#lm.rope`
    says (Su et al., 2021).

    ```mlir
    %q = lm.rope %x, %pos, #rope : tensor<?x64xf32>
    ```

    Constraints:
    - (C1) features of `x` are a multiple of the rope's `dim`
  }];
  let arguments = (ins LM_Rows:$x, LM_Ints:$positions, LM_Rope:$rope);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$x `,` $positions `,` $rope attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def LM_PositionScaleOp : LM_Op<"position_scale", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "rows scaled by the logarithm of their position";
  let description = [{
    Row t times 1 + beta ln(1 + floor(positions[t] / length)): queries that stay sharp in contexts longer than `length`
    (Llama 4, Ministral 3).

    ```mlir
    %q = lm.position_scale %x, %pos {beta = 0.1, length = 8192} : tensor<?x64xf32>
    ```

    Constraints:
    - (C1) `beta` is finite
    - (C2) `length` is >= 1
  }];
  let arguments = (ins LM_Rows:$x, LM_Ints:$positions, F64Attr:$beta, I64Attr:$length);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $positions ` ` `{` `beta` `=` $beta `,` `length` `=` $length `}` attr-dict `:` type($x)
  }];
  let hasVerifier = 1;
}

def LM_AttentionOp : LM_Op<"attention", [Pure, AllTypesMatch<["q", "result"]>]> {
  let summary = "scaled dot product attention over one whole sequence";
  let description = [{
    The plain form, without a cache. `q` is [T, heads * dim], `k` and `v` are [T, kv_heads * dim]; query head h reads
    KV head h / (heads / kv_heads). Per head: softmax(scale q k^T) v. `causal`: row t sees rows <= t; `window = W`: and
    of these only rows > t - W. `softcap = C`: a scaled score s becomes C tanh(s / C) before the softmax.

    ```mlir
    %a = lm.attention %q, %k, %v {causal, scale = 0.35, heads = 8, kv_heads = 4}
           : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    ```

    Constraints:
    - (C1) `heads` and `kv_heads` are 1 to 65536, and `heads` a multiple of `kv_heads`
    - (C2) features of `q` are a multiple of `heads`
    - (C3) features of `k` and of `v` = kv_heads * dim
    - (C4) `scale` is finite and > 0
    - (C5) `window` is >= 1 and needs `causal`
    - (C6) `softcap` is finite and > 0
  }];
  let arguments = (ins
    LM_Rows:$q, LM_Rows:$k, LM_Rows:$v,
    UnitAttr:$causal, F64Attr:$scale, I64Attr:$heads, I64Attr:$kv_heads, OptionalAttr<I64Attr>:$window,
    OptionalAttr<F64Attr>:$softcap
  );
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $q `,` $k `,` $v
    ` ` `{` (`causal` $causal^ `,`)? `scale` `=` $scale `,` `heads` `=` $heads `,` `kv_heads` `=` $kv_heads
    (`,` `window` `=` $window^)? `}` (`softcap` $softcap^)? attr-dict `:` type($q) `,` type($k) `,` type($v)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Features of one head.
    int64_t getHeadDim() { return getQ().getType().getDimSize(1) / static_cast<int64_t>(getHeads()); }
  }];
}

#endif
