// RUN: quipu-opt %s --quipu-specialise="storage=f32 kv-storage=f32" | FileCheck %s --check-prefix=FUSED
// RUN: quipu-opt %s --quipu-specialise="disable-pass=join-projections,fuse-matmul-residual" | FileCheck %s --check-prefix=PARTLY
// RUN: quipu-opt %s --quipu-to-kernels="targets=cpu:x86-64-v3 storage=f32 kv-storage=f32" | FileCheck %s --check-prefix=KERNELS

#rope = #lm.rope<dim = 8, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.1, 0.01, 0.001]>

// One Llama layer with a tied embedding and its logits become ten launches.
lm.func @model(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
  %table = lm.weight @model.embed_tokens.weight : tensor<96x32xf32>
  %x = lm.embedding %ids, %table : tensor<96x32xf32>
  %g0 = lm.weight @model.layers.0.input_layernorm.weight : tensor<32xf32>
  %n = lm.rms_norm %x, %g0 eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  %wq = lm.weight @model.layers.0.self_attn.q_proj.weight : tensor<32x32xf32>
  %q = lm.matmul %n, %wq : tensor<?x32xf32>, tensor<32x32xf32>
  %wk = lm.weight @model.layers.0.self_attn.k_proj.weight : tensor<16x32xf32>
  %k = lm.matmul %n, %wk : tensor<?x32xf32>, tensor<16x32xf32>
  %wv = lm.weight @model.layers.0.self_attn.v_proj.weight : tensor<16x32xf32>
  %v = lm.matmul %n, %wv : tensor<?x32xf32>, tensor<16x32xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x32xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x16xf32>
  %a = lm.attention %qr, %kr, %v {causal, scale = 0.35, heads = 4, kv_heads = 2} : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
  %wo = lm.weight @model.layers.0.self_attn.o_proj.weight : tensor<32x32xf32>
  %o = lm.matmul %a, %wo : tensor<?x32xf32>, tensor<32x32xf32>
  %r = lm.add %x, %o : tensor<?x32xf32>
  %g1 = lm.weight @model.layers.0.post_attention_layernorm.weight : tensor<32xf32>
  %n1 = lm.rms_norm %r, %g1 eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  %wg = lm.weight @model.layers.0.mlp.gate_proj.weight : tensor<64x32xf32>
  %gate = lm.matmul %n1, %wg : tensor<?x32xf32>, tensor<64x32xf32>
  %wu = lm.weight @model.layers.0.mlp.up_proj.weight : tensor<64x32xf32>
  %up = lm.matmul %n1, %wu : tensor<?x32xf32>, tensor<64x32xf32>
  %act = lm.activation silu %gate : tensor<?x64xf32>
  %m = lm.mul %act, %up : tensor<?x64xf32>
  %wd = lm.weight @model.layers.0.mlp.down_proj.weight : tensor<32x64xf32>
  %d = lm.matmul %m, %wd : tensor<?x64xf32>, tensor<32x64xf32>
  %y = lm.add %r, %d : tensor<?x32xf32>
  %g2 = lm.weight @model.norm.weight : tensor<32xf32>
  %f = lm.rms_norm %y, %g2 eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  %logits = lm.matmul %f, %table : tensor<?x32xf32>, tensor<96x32xf32>
  lm.return %logits : tensor<?x96xf32>
}

// FUSED: lm.embedding
// FUSED-NEXT: lm.weight
// FUSED: lm.matmul {{.*}} norm
// FUSED: lm.rope_append
// FUSED-NEXT: lm.cached_attention
// FUSED: lm.matmul {{.*}} residual
// FUSED: lm.matmul {{.*}} norm {{.*}} activation silu gated
// FUSED: lm.matmul {{.*}} residual
// FUSED: lm.select_rows
// FUSED: lm.matmul {{.*}} norm
// FUSED-NEXT: lm.sample
// FUSED-NOT: lm.rms_norm
// FUSED-NOT: lm.slice_columns

// PARTLY: lm.weight @model.embed_tokens.weight : tensor<96x32xbf16>
// PARTLY-COUNT-3: lm.matmul {{.*}} norm
// PARTLY-NOT: lm.concat_rows
// PARTLY: lm.kv_cache {layer = 0} : !lm.kv<heads = 2, dim = 8, elem = bf16, layout = paged<16>>
// PARTLY-NOT: residual
// PARTLY: lm.add

// KERNELS: kernel.program "cpu:x86-64-v3" tokens 512 sequences 8 rows 512 context 4096 arena
// KERNELS-COUNT-10: kernel.launch
// KERNELS-NOT: kernel.launch
