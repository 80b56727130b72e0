// RUN: quipu-opt %s --convert-lm-to-kernel="targets=cpu:x86-64-v3 max-tokens=16 max-sequences=4 max-context=100" | FileCheck %s

// A fused layer with a tied embedding: one launch an op, joined weights by their names, kernels once.
lm.func @model(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch) -> (tensor<?x512xf32>, tensor<?xi32>) {
  %table = lm.weight @model.embed_tokens.weight : tensor<512x64xbf16>
  %x = lm.embedding %ids, %table : tensor<512x64xbf16>
  %g0 = lm.weight @model.layers.0.input_layernorm.weight : tensor<64xbf16>
  %wq = lm.weight @model.layers.0.self_attn.q_proj.weight : tensor<64x64xbf16>
  %wk = lm.weight @model.layers.0.self_attn.k_proj.weight : tensor<32x64xbf16>
  %wv = lm.weight @model.layers.0.self_attn.v_proj.weight : tensor<32x64xbf16>
  %wqkv = lm.concat_rows %wq, %wk, %wv : tensor<64x64xbf16>, tensor<32x64xbf16>, tensor<32x64xbf16>
  %qkv = lm.matmul %x, %wqkv norm %g0 eps 1.0e-5 : tensor<?x64xf32>, tensor<128x64xbf16>, tensor<64xbf16>
  %cache = lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = paged<16>>
  %q, %next = lm.rope_append %qkv, %pos, %cache, %batch #lm.rope<dim = 8, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.1, 0.01, 0.001]> {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = bf16, layout = paged<16>>
  %a = lm.cached_attention %q, %next, %batch {scale = 0.35, heads = 8} : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = bf16, layout = paged<16>>
  %wo = lm.weight @model.layers.0.self_attn.o_proj.weight : tensor<64x64xbf16>
  %y = lm.matmul %a, %wo residual %x : tensor<?x64xf32>, tensor<64x64xbf16>, tensor<?x64xf32>
  %wo1 = lm.weight @model.layers.1.self_attn.o_proj.weight : tensor<64x64xbf16>
  %z = lm.matmul %y, %wo1 residual %x : tensor<?x64xf32>, tensor<64x64xbf16>, tensor<?x64xf32>
  %gate = lm.weight @model.layers.0.mlp.gate_proj.weight : tensor<96x64xbf16>
  %up = lm.weight @model.layers.0.mlp.up_proj.weight : tensor<96x64xbf16>
  %gu = lm.concat_rows %gate, %up : tensor<96x64xbf16>, tensor<96x64xbf16>
  %h = lm.matmul %z, %gu activation silu gated : tensor<?x64xf32>, tensor<192x64xbf16>
  %wd = lm.weight @model.layers.0.mlp.down_proj.weight : tensor<64x96xbf16>
  %b = lm.weight @model.layers.0.mlp.down_proj.bias : tensor<64xbf16>
  %d = lm.matmul %h, %wd bias %b : tensor<?x96xf32>, tensor<64x96xbf16>, tensor<64xbf16>
  %s = lm.select_rows %d, %rows : tensor<?x64xf32>
  %g1 = lm.weight @model.norm.weight : tensor<64xbf16>
  %logits = lm.matmul %s, %table norm %g1 eps 1.0e-5 : tensor<?x64xf32>, tensor<512x64xbf16>, tensor<64xbf16>
  %token = lm.argmax %logits : tensor<?x512xf32>
  lm.return %logits, %token : tensor<?x512xf32>, tensor<?xi32>
}
