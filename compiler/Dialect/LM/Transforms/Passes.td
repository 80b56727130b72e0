#ifndef QUIPU_DIALECT_LM_TRANSFORMS_PASSES_TD
#define QUIPU_DIALECT_LM_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def JoinProjections : Pass<"lm-join-projections", "::quipu::lm::FuncOp"> {
  let summary = "Join projections of one input (q, k and v; gate and up) into one matmul";
  let description = [{
    Matmuls of the same `x` that follow each other, with nothing but weights between them, become one matmul with the
    joined weight: `x` is read once and one launch does the work of several. Biases are joined as well.

    Matmuls with a norm, an activation or a residual are left alone, and so is a weight that something else reads too
    (the joined copy would be stored beside it).

    ```mlir
    // Before
    %q = lm.matmul %x, %wq : tensor<?x64xf32>, tensor<64x64xbf16>
    %k = lm.matmul %x, %wk : tensor<?x64xf32>, tensor<32x64xbf16>
    %v = lm.matmul %x, %wv : tensor<?x64xf32>, tensor<32x64xbf16>

    // After
    %w = lm.concat_rows %wq, %wk, %wv : tensor<64x64xbf16>, tensor<32x64xbf16>, tensor<32x64xbf16>
    %qkv = lm.matmul %x, %w : tensor<?x64xf32>, tensor<128x64xbf16>
    %q = lm.slice_columns %qkv {offset = 0, size = 64} : tensor<?x128xf32>
    %k = lm.slice_columns %qkv {offset = 64, size = 32} : tensor<?x128xf32>
    %v = lm.slice_columns %qkv {offset = 96, size = 32} : tensor<?x128xf32>
    ```
  }];
  let statistics = [Statistic<"joined", "matmuls-joined", "Matmuls that became part of a joined one">];
}

def FuseGatedActivation : Pass<"lm-fuse-gated-activation", "::quipu::lm::FuncOp"> {
  let summary = "Fuse activation(gate) * up into the matmul that computes gate and up";
  let description = [{
    The gate must be the first half of the matmul's columns and up the second, as `--lm-join-projections` leaves them.

    ```mlir
    // Before
    %h = lm.matmul %x, %gate_up : tensor<?x64xf32>, tensor<256x64xbf16>
    %gate = lm.slice_columns %h {offset = 0, size = 128} : tensor<?x256xf32>
    %up = lm.slice_columns %h {offset = 128, size = 128} : tensor<?x256xf32>
    %a = lm.activation silu %gate : tensor<?x128xf32>
    %y = lm.mul %a, %up : tensor<?x128xf32>

    // After
    %y = lm.matmul %x, %gate_up activation silu gated : tensor<?x64xf32>, tensor<256x64xbf16>
    ```

    Gate and up of experts are two products with the same ids, whose matrices are joined here:

    ```mlir
    // Before
    %g = lm.expert_matmul %x, %gates, %ids : tensor<?x64xf32>, tensor<8x48x64xbf16>, tensor<?x2xi32>
    %u = lm.expert_matmul %x, %ups, %ids : tensor<?x64xf32>, tensor<8x48x64xbf16>, tensor<?x2xi32>
    %a = lm.activation silu %g : tensor<?x96xf32>
    %y = lm.mul %a, %u : tensor<?x96xf32>

    // After
    %w = lm.concat_rows %gates, %ups : tensor<8x48x64xbf16>, tensor<8x48x64xbf16>
    %y = lm.expert_matmul %x, %w, %ids activation silu gated : tensor<?x64xf32>, tensor<8x96x64xbf16>, tensor<?x2xi32>
    ```
  }];
  let statistics = [Statistic<"fused", "activations-fused", "Gated activations fused">];
}

def FuseMatmulActivation : Pass<"lm-fuse-matmul-activation", "::quipu::lm::FuncOp"> {
  let summary = "Fuse an activation into the matmul whose result it reads";
  let description = [{
    ```mlir
    // Before
    %h = lm.matmul %x, %w bias %b : tensor<?x64xf32>, tensor<96x64xbf16>, tensor<96xf32>
    %y = lm.activation gelu_tanh %h : tensor<?x96xf32>

    // After
    %y = lm.matmul %x, %w bias %b activation gelu_tanh : tensor<?x64xf32>, tensor<96x64xbf16>, tensor<96xf32>
    ```
  }];
  let statistics = [Statistic<"fused", "activations-fused", "Activations fused">];
}

def FuseMatmulResidual : Pass<"lm-fuse-matmul-residual", "::quipu::lm::FuncOp"> {
  let summary = "Fuse the addition of the residual stream into the matmul that feeds it";
  let description = [{
    Where both operands of the addition are matmuls, the later one takes the other's result as its residual. A sum of
    experts' products (`lm.expert_matmul` with `combine`) is a matmul as well. To what a matmul and its residual, a
    matmul too, give, a third value is added in the first of them.

    ```mlir
    // Before
    %h = lm.matmul %a, %w : tensor<?x64xf32>, tensor<64x64xbf16>
    %y = lm.add %x, %h : tensor<?x64xf32>

    // After
    %y = lm.matmul %a, %w residual %x : tensor<?x64xf32>, tensor<64x64xbf16>, tensor<?x64xf32>
    ```
  }];
  let statistics = [Statistic<"fused", "residuals-fused", "Residual additions fused">];
}

def FuseNormMatmul : Pass<"lm-fuse-norm-matmul", "::quipu::lm::FuncOp"> {
  let summary = "Fuse a norm into the matmul that reads it";
  let description = [{
    The normalised rows never go through memory. Several matmuls that read one norm (projections of one input whose
    weights have different formats are not joined) take it each: a matmul goes over its input anyway, to bring it into
    the form that its weight wants. A norm that something else reads too stays.

    ```mlir
    // Before
    %n = lm.rms_norm %x, %g eps 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>
    %y = lm.matmul %n, %w : tensor<?x64xf32>, tensor<96x64xbf16>

    // After
    %y = lm.matmul %x, %w norm %g eps 1.0e-5 : tensor<?x64xf32>, tensor<96x64xbf16>, tensor<64xf32>
    ```
  }];
  let statistics = [Statistic<"fused", "norms-fused", "Norms fused">];
}

def FuseNormResidual : Pass<"lm-fuse-norm-residual", "::quipu::lm::FuncOp"> {
  let summary = "Add the residual in the norm in front of it";
  let description = [{
    Models that normalise what attention and MLP give, and not what they take, add the residual after the norm.

    ```mlir
    // Before
    %n = lm.rms_norm %y, %g eps 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>
    %h = lm.add %x, %n : tensor<?x64xf32>

    // After
    %h = lm.rms_norm %y, %g eps 1.0e-5 residual %x : tensor<?x64xf32>, tensor<64xf32>, tensor<?x64xf32>
    ```
  }];
  let statistics = [Statistic<"fused", "adds-fused", "Adds fused">];
}

def FuseScale : Pass<"lm-fuse-scale", "::quipu::lm::FuncOp"> {
  let summary = "Scale and cap in the op that computes the value";
  let description = [{
    A scale of an embedding or a matmul, and a softcap of a matmul, become attributes of it; that of a sum of experts'
    products becomes one of their weights, in the `lm.route`. It runs before `fuse-matmul-residual`: a residual is added
    to what is scaled already.

    ```mlir
    // Before
    %y = lm.matmul %x, %w : tensor<?x64xf32>, tensor<96x64xbf16>
    %s = lm.scale %y {factor = 0.25} : tensor<?x96xf32>
    %z = lm.softcap %s {cap = 30.0} : tensor<?x96xf32>

    // After
    %z = lm.matmul %x, %w scale 2.5e-1 softcap 3.0e+1 : tensor<?x64xf32>, tensor<96x64xbf16>
    ```
  }];
  let statistics = [Statistic<"fused", "scales-fused", "Scales and caps fused">];
}

def InsertKvCache : Pass<"lm-insert-kv-cache", "::quipu::lm::FuncOp"> {
  let summary = "Turn the plain form into the cached form: a step over a ragged batch";
  let description = [{
    Each causal attention becomes an append to the cache of its layer and attention over that cache; layers are
    numbered in program order. The function takes the asked-for rows, the batch and the sampling as well, and gives the
    next token of each row beside its logits. Rows are selected as early as ops of one row input allow: before the final norm and the output projection.

    ```mlir
    // Before
    lm.func @model(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
      ...
      %a = lm.attention %q, %k, %v {causal, scale = 0.35, heads = 8, kv_heads = 4}
             : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      ...
      %n = lm.rms_norm %x, %g eps 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>
      %logits = lm.matmul %n, %w : tensor<?x64xf32>, tensor<96x64xbf16>
      lm.return %logits : tensor<?x96xf32>
    }

    // After, with elem=bf16
    lm.func @model(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch,
                   %sampling: !lm.sampling) -> (tensor<?x96xf32>, tensor<?xi32>) {
      ...
      %cache = lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
      %next = lm.kv_append %cache, %k, %v, %batch
                : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>, tensor<?x32xf32>, tensor<?x32xf32>
      %a = lm.cached_attention %q, %next, %batch {scale = 0.35, heads = 8}
             : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
      ...
      %s = lm.select_rows %x, %rows : tensor<?x64xf32>
      %n = lm.rms_norm %s, %g eps 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>
      %logits = lm.matmul %n, %w : tensor<?x64xf32>, tensor<96x64xbf16>
      %token = lm.sample %logits, %sampling : tensor<?x96xf32>
      lm.return %logits, %token : tensor<?x96xf32>, tensor<?xi32>
    }
    ```
  }];
  let options = [
    Option<"elem", "elem", "std::string", /*default=*/"\"f32\"", "Element type of the cache: f32, f16, bf16 or i8">
  ];
  let statistics = [Statistic<"caches", "caches-inserted", "Layers that got a cache">];
}

def FuseRopeKvAppend : Pass<"lm-fuse-rope-kv-append", "::quipu::lm::FuncOp"> {
  let summary = "Fuse RoPE of q and k and the KV append into one op that reads the joined projection";
  let description = [{
    q, k and v must be slices of one joined projection, q first, then k, then v, that nothing else reads; or q and k
    alone are, and v, a projection whose weight has another format, becomes an operand. Models without RoPE (q and k
    used as they are) fuse the same way, to an op without a rope.

    ```mlir
    // Before
    %q = lm.slice_columns %qkv {offset = 0, size = 64} : tensor<?x128xf32>
    %k = lm.slice_columns %qkv {offset = 64, size = 32} : tensor<?x128xf32>
    %v = lm.slice_columns %qkv {offset = 96, size = 32} : tensor<?x128xf32>
    %qr = lm.rope %q, %pos, #rope : tensor<?x64xf32>
    %kr = lm.rope %k, %pos, #rope : tensor<?x32xf32>
    %next = lm.kv_append %cache, %kr, %v, %batch
              : !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>, tensor<?x32xf32>, tensor<?x32xf32>

    // After
    %qr, %next = lm.rope_append %qkv, %pos, %cache, %batch, #rope {heads = 8}
                   : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>
    ```
  }];
  let statistics = [Statistic<"fused", "appends-fused", "KV appends fused">];
}

def PageKvCache : Pass<"lm-page-kv-cache", "::quipu::lm::FuncOp"> {
  let summary = "Lay KV caches out in pages";
  let description = [{
    ```mlir
    // Before
    %c = lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>

    // After, with page-size=16
    %c = lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
    ```
  }];
  let options = [Option<"pageSize", "page-size", "int64_t", /*default=*/"16", "Positions a page">];
  let statistics = [Statistic<"paged", "caches-paged", "Caches laid out in pages">];
}

def QuantizeWeights : Pass<"lm-quantize-weights", "::quipu::lm::FuncOp"> {
  let summary = "Set the storage format of every weight";
  let description = [{
    A matrix (matmul weight, embedding table) gets the format of the first rule that matches its name, else `storage`,
    else the format it has in the checkpoint. Where `storage` has less than six bits an element, the embedding table and
    the weight that makes the logits are kept in q8_0, one format for both where they are tied: their errors reach the
    result at once. Where `storage` is blocks the weight of a router stays as it is in the checkpoint: it is small, and
    decides which experts a token meets at all. A matrix whose rows are no whole blocks gets the nearest format with
    smaller blocks, and a warning.

    Vectors (gains, biases) become f32: they are small, and rounding them costs more than it saves.

    ```mlir
    // Before
    %w = lm.weight @model.layers.0.mlp.down_proj.weight : tensor<64x256xf16>
    %h = lm.weight @lm_head.weight : tensor<96x64xf16>
    %g = lm.weight @model.norm.weight : tensor<64xf16>

    // After, with storage=q4_k
    %w = lm.weight @model.layers.0.mlp.down_proj.weight : tensor<64x256x!lm.q4_k>
    %h = lm.weight @lm_head.weight : tensor<96x64x!lm.q8_0>
    %g = lm.weight @model.norm.weight : tensor<64xf32>
    ```
  }];
  let options = [
    Option<"storage", "storage", "std::string", /*default=*/"\"\"",
           "Storage format of matrices; empty: what the checkpoint has each in">,
    ListOption<"storageOf", "storage-of", "std::string",
               "PATTERN=FORMAT: matrices of these names are stored so; the first that matches counts">
  ];
  let statistics = [Statistic<"converted", "weights-converted", "Weights whose storage format changed">];
}

def RemoveDeadWeights : Pass<"lm-remove-dead-weights", "::quipu::lm::FuncOp"> {
  let summary = "Remove weights that nothing reads";
  let description = [{
    A weight that is named in the graph is packed into the artifact, so one that nothing reads costs bytes.

    ```mlir
    // Before
    %unused = lm.weight @lm_head.weight : tensor<96x64xbf16>
    lm.return %logits : tensor<?x96xf32>

    // After
    lm.return %logits : tensor<?x96xf32>
    ```
  }];
  let statistics = [Statistic<"removed", "weights-removed", "Weights removed">];
}

def VerifyPlainForm : Pass<"lm-verify-plain-form", "::quipu::lm::FuncOp"> {
  let summary = "Check that a graph is in the plain form";
  let description = [{
    - the function takes (ids, positions) and gives logits
    - there is no cache and no batch
    - every attention is causal
    - every weight operand is a weight of the checkpoint, or weights joined
  }];
}

def VerifyCachedForm : Pass<"lm-verify-cached-form", "::quipu::lm::FuncOp"> {
  let summary = "Check that a graph is in the cached form";
  let description = [{
    - the function takes (ids, positions, rows, batch, sampling) and gives (logits, sampled)
    - no attention is left in the plain form
    - layers have one cache each, laid out in pages, and a cache that was appended to has no other reader: the append
      happens in place
    - every weight operand is a weight of the checkpoint, or weights joined; every weight is read; vectors are f32

    Each error names the pass that should have made it so.
  }];
}

#endif
