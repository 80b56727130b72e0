// RUN: quipu-opt %s --convert-lm-to-kernel="targets=cpu:x86-64-v3 max-tokens=16 max-sequences=4 max-context=100" \
// RUN:   | FileCheck %s
// RUN: quipu-opt %s --convert-lm-to-kernel="targets=cpu:x86-64-v3" | FileCheck %s --check-prefix=ONCE
// RUN: quipu-opt %s --convert-lm-to-kernel="targets=cpu:znver4" | FileCheck %s --check-prefix=BF16DOT

// A fused layer with a tied embedding: one launch an op, joined weights by their names, kernels once.
lm.func @model(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x512xf32>, tensor<?xi32>) {
  %table = lm.weight @model.embed_tokens.weight : tensor<512x64xbf16>
  %x = lm.embedding %ids, %table : tensor<512x64xbf16>
  %g0 = lm.weight @model.layers.0.input_layernorm.weight : tensor<64xbf16>
  %wq = lm.weight @model.layers.0.self_attn.q_proj.weight : tensor<64x64xbf16>
  %wk = lm.weight @model.layers.0.self_attn.k_proj.weight : tensor<32x64xbf16>
  %wv = lm.weight @model.layers.0.self_attn.v_proj.weight : tensor<32x64xbf16>
  %wqkv = lm.concat_rows %wq, %wk, %wv : tensor<64x64xbf16>, tensor<32x64xbf16>, tensor<32x64xbf16>
  %qkv = lm.matmul %x, %wqkv norm %g0 eps 1.0e-5 : tensor<?x64xf32>, tensor<128x64xbf16>, tensor<64xbf16>
  %cache = lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = paged<16>>
  %q, %next = lm.rope_append %qkv, %pos, %cache, %batch, #lm.rope<dim = 8, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.1, 0.01, 0.001]> {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = bf16, layout = paged<16>>
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
  %token = lm.sample %logits, %sampling : tensor<?x512xf32>
  lm.return %logits, %token : tensor<?x512xf32>, tensor<?xi32>
}

// CHECK-NOT: lm.func
// CHECK: kernel.program "cpu:x86-64-v3" tokens 16 sequences 4 rows 16 context 100 {

// Kernels are named after op, type, shape and variant, and defined once: two layers share those of o_proj.
// ONCE-COUNT-1: kernel.def @matmul_residual_bf16_n64_k64_t1
// ONCE-NOT: kernel.def @matmul_residual_bf16_n64_k64_t1
// CHECK-DAG: kernel.def @rms_norm_matmul_bf16_n128_k64_t1 generator "matmul" {k = 64, n = 128, norm_eps = 1.000000e-05, rows_dim = 0, storage = "bf16", tile = 1}
// CHECK-DAG: kernel.def @rms_norm_pack_input_bf16_k64_t6 generator "pack_input" {k = 64, norm_eps = 1.000000e-05, rows_dim = 0, storage = "bf16", tile = 6}
// The norm is in the packing, so the packed product has none.
// CHECK-DAG: kernel.def @matmul_bf16_n128_k64_packed_t6 generator "matmul" {k = 64, n = 128, packed_input = true, rows_dim = 0, storage = "bf16", tile = 6}
// CHECK-DAG: kernel.def @matmul_silu_gated_bf16_n96_k64_t6 generator "matmul" {activation = "silu", gated = true, k = 64, n = 96, rows_dim = 0, storage = "bf16", tile = 6}

// CHECK: %ids = kernel.buffer input "ids" i32[tokens, 1]
// CHECK: %seq_starts = kernel.buffer input "seq_starts" i32[sequences + 1, 1]
// CHECK: %page_table = kernel.buffer input "page_table" i32[sequences, 7]
// CHECK: %sampling = kernel.buffer input "sampling" i32[rows, 8]
// A bit for each token of the vocabulary.
// CHECK: %seen = kernel.buffer input "seen" i32[rows, 16]
// CHECK: %logits = kernel.buffer output "logits" f32[rows, 512]
// CHECK: %sampled = kernel.buffer output "sampled" i32[rows, 1]
// The table is read in the panels of the output projection; gains and biases are f32.
// CHECK: %[[TABLE:.*]] = kernel.weight ["model.embed_tokens.weight"] panel64 : tensor<512x64xbf16>
// CHECK: %[[GAIN:.*]] = kernel.weight ["model.layers.0.input_layernorm.weight"] row_major : tensor<64xf32>
// CHECK: %[[PACKED:.*]] = kernel.buffer activation "layers.0.self_attn.q_proj+k_proj+v_proj.packed" f32[tokens + 5, 64]
// A chip with a bf16 dot product packs bf16.
// BF16DOT: kernel.buffer activation "layers.0.self_attn.q_proj+k_proj+v_proj.packed" bf16[tokens + 5, 64]
// CHECK: %[[QKV_W:.*]] = kernel.weight ["model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight", "model.layers.0.self_attn.v_proj.weight"] panel64 : tensor<128x64xbf16>
// CHECK: %[[GATED:.*]] = kernel.weight ["model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight"] panel64_gated : tensor<192x64xbf16>
// CHECK: %[[BIAS:.*]] = kernel.weight ["model.layers.0.mlp.down_proj.bias"] row_major : tensor<64xf32>

// CHECK: kernel.launch "embed_tokens" of "lm.embedding" 1 (%ids, %[[TABLE]]) -> (%[[X:.*]]) by tokens {any : @embedding_panel64_bf16_n512_k64}
// CHECK: kernel.launch "layers.0.self_attn.q_proj+k_proj+v_proj" of "lm.matmul" 7 (%[[X]], %[[GAIN]], %[[QKV_W]], %none, %none, %none) -> (%[[PACKED]], %[[QKV:.*]]) by tokens {
// CHECK-NEXT: 1 : @rms_norm_matmul_bf16_n128_k64_t1,
// CHECK-NEXT: 2 : @rms_norm_matmul_bf16_n128_k64_t2,
// CHECK-NEXT: 4 : @rms_norm_matmul_bf16_n128_k64_t4,
// CHECK-NEXT: 5 : @rms_norm_matmul_bf16_n128_k64_t5,
// CHECK-NEXT: 6 : @rms_norm_matmul_bf16_n128_k64_t6,
// CHECK-NEXT: 7 : @rms_norm_matmul_bf16_n128_k64_t7,
// CHECK-NEXT: 8 : @rms_norm_matmul_bf16_n128_k64_t8,
// CHECK-NEXT: 10 : @rms_norm_matmul_bf16_n128_k64_t5,
// CHECK-NEXT: 12 : @rms_norm_matmul_bf16_n128_k64_t6,
// CHECK-NEXT: 14 : @rms_norm_matmul_bf16_n128_k64_t7,
// CHECK-NEXT: 16 : @rms_norm_matmul_bf16_n128_k64_t8,
// CHECK-NEXT: any : @rms_norm_pack_input_bf16_k64_t6 then @matmul_bf16_n128_k64_packed_t6}
// CHECK: kernel.launch "layers.0.rope_append" of "lm.rope_append" 9 (%[[QKV]], %none, %positions, %slots, %rope_table, %none, %none) -> (%kv.0, %[[Q:.*]]) by tokens
// CHECK: kernel.launch "layers.0.attention" of "lm.cached_attention" 10 (%[[Q]], %positions, %seq_starts, %context_lens, %page_table, %kv.0) -> (%[[PARTIALS:.*]], %[[A:.*]]) by tokens {
// CHECK-NEXT: 64 : @attention_bf16_h8_kv4_d8_splits then @attention_bf16_h8_kv4_d8_merge,
// CHECK-NEXT: any : @attention_bf16_h8_kv4_d8}
// CHECK: kernel.launch "layers.0.self_attn.o_proj" of "lm.matmul" 12 (%[[A]], %none, %{{.*}}, %none, %[[X]], %none)
// CHECK: kernel.launch "layers.0.mlp.gate_proj+up_proj" of "lm.matmul" 18 (%{{.*}}, %none, %[[GATED]], %none, %none, %none) -> (%{{.*}}, %[[H:.*]]) by tokens
// CHECK: kernel.launch "layers.0.mlp.down_proj" of "lm.matmul" 21 (%[[H]], %none, %{{.*}}, %[[BIAS]], %none, %none) -> (%{{.*}}, %[[D:.*]]) by tokens
// CHECK: kernel.launch "select_rows.22" of "lm.select_rows" 22 (%[[D]], %rows) -> (%[[S:.*]]) by rows {any : @select_rows_n64}
// The rows of logits have their own count.
// CHECK: kernel.launch "logits" of "lm.matmul" 24 (%[[S]], %{{.*}}, %[[TABLE]], %none, %none, %none) -> (%{{.*}}, %logits) by rows {
// CHECK-NEXT: 1 : @rms_norm_matmul_rows_bf16_n512_k64_t1,
// CHECK: kernel.launch "sample" of "lm.sample" 25 (%logits, %sampling, %seen) -> (%sampled) by rows {any : @sample_rows_n512}
