#ifndef QUIPU_DIALECT_LM_IR_LMOPSCACHE_TD
#define QUIPU_DIALECT_LM_IR_LMOPSCACHE_TD

include "compiler/Dialect/LM/IR/LMAttrs.td"
include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_KvCacheOp : LM_Op<"kv_cache", [Pure]> {
  let summary = "KV cache of one layer, as the last step left it";
  let description = [{
    ```mlir
    %cache = lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
    ```

    Constraints:
    - (C1) `layer` >= 0
  }];
  let arguments = (ins I64Attr:$layer);
  let results = (outs LM_Kv:$cache);
  let assemblyFormat = "` ` `{` `layer` `=` $layer `}` attr-dict `:` qualified(type($cache))";
  let hasVerifier = 1;
}

def LM_KvAppendOp : LM_Op<"kv_append", [Pure, AllTypesMatch<["cache", "next_cache"]>]> {
  let summary = "cache with this step's keys and values in it";
  let description = [{
    `k` and `v` are [T, heads * dim]; row t goes to the slot the batch gives token t.

    ```mlir
    %next = lm.kv_append %cache, %k, %v, %batch
              : !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>, tensor<?x32xf32>, tensor<?x32xf32>
    ```

    Constraints:
    - (C1) features of `k` = heads * dim of the cache
    - (C2) features of `v` = heads * dim of the cache
  }];
  let arguments = (ins LM_Kv:$cache, LM_Rows:$k, LM_Rows:$v, LM_Batch:$batch);
  let results = (outs LM_Kv:$next_cache);
  let assemblyFormat = [{
    $cache `,` $k `,` $v `,` $batch attr-dict `:` qualified(type($cache)) `,` type($k) `,` type($v)
  }];
  let hasVerifier = 1;
}

def LM_CachedAttentionOp : LM_Op<"cached_attention", [Pure, AllTypesMatch<["q", "result"]>]> {
  let summary = "scaled dot product attention over the cache";
  let description = [{
    As `lm.attention` with `causal`: each query row sees the positions of its own sequence that are <= its own, of these
    with `window = W` the last W only. `softcap` is as there. Keys and values come from the cache, which holds this step's already.

    ```mlir
    %a = lm.cached_attention %q, %cache, %batch {scale = 0.35, heads = 8}
           : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>
    ```

    Constraints:
    - (C1) `heads` is 1 to 65536, a multiple of the cache's heads
    - (C2) features of `q` = heads * dim of the cache
    - (C3) `scale` is finite and > 0
    - (C4) `window` is >= 1
    - (C5) `softcap` is finite and > 0
  }];
  let arguments = (ins
    LM_Rows:$q, LM_Kv:$cache, LM_Batch:$batch, F64Attr:$scale, I64Attr:$heads, OptionalAttr<I64Attr>:$window,
    OptionalAttr<F64Attr>:$softcap
  );
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $q `,` $cache `,` $batch ` ` `{` `scale` `=` $scale `,` `heads` `=` $heads (`,` `window` `=` $window^)? `}`
    (`softcap` $softcap^)? attr-dict `:` type($q) `,` qualified(type($cache))
  }];
  let hasVerifier = 1;
}

def LM_RopeAppendOp : LM_Op<"rope_append", [
    Pure, AttrSizedOperandSegments, InferTypeOpAdaptor
  ]> {
  let summary = "RoPE of a joined q/k/v projection, with its keys and values appended";
  let description = [{
    `qkv` is [T, (heads + 2 kv_heads) * dim]: q first, then k, then v; kv_heads and dim are the cache's. The results are
    the rotated q and the cache with the rotated k and with v. Without a rope nothing is rotated. With an operand `v`
    of [T, kv_heads * dim] the joined rows end with k: where v_proj is stored in another format than q_proj and k_proj
    it is a matmul of its own.

    `q_norm`, `k_norm`: each head of q and of k is normalised before its rotation, as by `lm.rms_norm` (`centred`:
    `lm.layer_norm`) with `eps`; `whole`: all heads of q together, and all of k. Gains are those of one head, which serve
    all, or of all heads. `query_scale = [beta, length]`: q is scaled last, as by `lm.position_scale`.

    ```mlir
    %q, %next = lm.rope_append %qkv, %pos, %cache, %batch, #rope {heads = 8}
                  : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>
    %q1, %next1 = lm.rope_append %qk v %v, %pos, %cache, %batch, #rope {heads = 8}
                    : tensor<?x96xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>, tensor<?x32xf32>
    %q2, %next2 = lm.rope_append %qkv, %pos, %cache, %batch, #rope q_norm %gq k_norm %gk eps 1.0e-6 {heads = 8}
                    : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>
                      norms tensor<8xf32>, tensor<8xf32>
    ```

    Constraints:
    - (C1) `heads` is 1 to 65536, a multiple of the cache's heads
    - (C2) features of `qkv` = (heads + 2 kv_heads) * dim; with `v`: (heads + kv_heads) * dim
    - (C3) the rope's `dim` is the cache's
    - (C4) features of `v` = kv_heads * dim
    - (C5) `q_norm`, `k_norm` and a finite `eps` >= 0 come together; `centred` and `whole` only with them, and not both
    - (C6) both gains are of dim features, unless `whole`, or `q_norm` of heads * dim and `k_norm` of kv_heads * dim
    - (C7) `query_scale` has a finite beta and a whole length of at least 1
  }];
  let arguments = (ins
    LM_Rows:$qkv, Optional<LM_Rows>:$v, LM_Ints:$positions, LM_Kv:$cache, LM_Batch:$batch,
    Optional<LM_Vector>:$q_gain, Optional<LM_Vector>:$k_gain, OptionalAttr<LM_Rope>:$rope, I64Attr:$heads,
    OptionalAttr<F64Attr>:$norm_eps, UnitAttr:$centred, UnitAttr:$whole, OptionalAttr<DenseF64ArrayAttr>:$query_scale
  );
  let results = (outs LM_Rows:$q, LM_Kv:$next_cache);
  let assemblyFormat = [{
    $qkv (`v` $v^)? `,` $positions `,` $cache `,` $batch (`,` $rope^)?
    (`q_norm` $q_gain^ `k_norm` $k_gain `eps` $norm_eps)? (`centred` $centred^)? (`whole` $whole^)?
    (`query_scale` $query_scale^)? ` ` `{` `heads` `=` $heads `}` attr-dict
    `:` type($qkv) `,` qualified(type($cache)) (`,` type($v)^)? (`norms` type($q_gain)^ `,` type($k_gain))?
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$qkv, "::mlir::Value":$v, "::mlir::Value":$positions,
                                 "::mlir::Value":$cache, "::mlir::Value":$batch, "::quipu::lm::RopeAttr":$rope,
                                 "int64_t":$heads), [{
    build($_builder, $_state, qkv, v, positions, cache, batch, /*q_gain=*/nullptr, /*k_gain=*/nullptr, rope,
          $_builder.getI64IntegerAttr(heads), /*norm_eps=*/nullptr, /*centred=*/nullptr, /*whole=*/nullptr,
          /*query_scale=*/nullptr);
  }]>];
}

#endif
