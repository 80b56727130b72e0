// RUN: quipu-opt %s --convert-lm-to-kernel="targets=cpu:x86-64-v3,cpu:x86-64-v4" | FileCheck %s

#rope = #lm.rope<dim = 8, layout = interleaved, attention_factor = 1.0, inv_freq = [1.0, 0.1, 0.01, 0.001]>

// What is left when fusions are turned off lowers as well, one launch an op, for each target.
lm.func @model(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x96xf32>, tensor<?xi32>) {
  %table = lm.weight @model.embed_tokens.weight : tensor<96x32xf32>
  %x = lm.embedding %ids, %table : tensor<96x32xf32>
  %g0 = lm.weight @model.layers.0.input_layernorm.weight : tensor<32xf32>
  %n = lm.rms_norm %x, %g0 eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  %w = lm.weight @model.layers.0.self_attn.qkv.weight : tensor<64x32xf32>
  %qkv = lm.matmul %n, %w : tensor<?x32xf32>, tensor<64x32xf32>
  %q = lm.slice_columns %qkv {offset = 0, size = 32} : tensor<?x64xf32>
  %k = lm.slice_columns %qkv {offset = 32, size = 16} : tensor<?x64xf32>
  %v = lm.slice_columns %qkv {offset = 48, size = 16} : tensor<?x64xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x32xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x16xf32>
  %cache = lm.kv_cache {layer = 3} : !lm.kv<heads = 2, dim = 8, elem = f32, layout = paged<16>>
  %next = lm.kv_append %cache, %kr, %v, %batch : !lm.kv<heads = 2, dim = 8, elem = f32, layout = paged<16>>, tensor<?x16xf32>, tensor<?x16xf32>
  %a = lm.cached_attention %qr, %next, %batch {scale = 0.35, heads = 4, window = 24} : tensor<?x32xf32>, !lm.kv<heads = 2, dim = 8, elem = f32, layout = paged<16>>
  %r = lm.add %x, %a : tensor<?x32xf32>
  %act = lm.activation silu %r : tensor<?x32xf32>
  %m = lm.mul %act, %r : tensor<?x32xf32>
  %s = lm.select_rows %m, %rows : tensor<?x32xf32>
  %g1 = lm.weight @model.norm.weight : tensor<32xf32>
  %f = lm.rms_norm %s, %g1 eps 1.0e-5 : tensor<?x32xf32>, tensor<32xf32>
  %head = lm.weight @lm_head.weight : tensor<96x32xf32>
  %logits = lm.matmul %f, %head : tensor<?x32xf32>, tensor<96x32xf32>
  %token = lm.sample %logits, %sampling : tensor<?x96xf32>
  lm.return %logits, %token : tensor<?x96xf32>, tensor<?xi32>
}

// CHECK: kernel.program "cpu:x86-64-v3"
// CHECK-DAG: kernel.def @rope_h4_d8 generator "rope" {dim = 8, heads = 4, rope_layout = "interleaved", rotated = 8}
// CHECK-DAG: kernel.def @rope_h2_d8 generator "rope"
// CHECK-DAG: kernel.def @attention_f32_h4_kv2_d8_w24 generator "attention" {dim = 8, elem = "f32", heads = 4, kv_heads = 2, page_size = 16, scale = 3.500000e-01, window = 24}
// CHECK-DAG: kernel.def @rms_norm_n32 generator "rms_norm" {eps = 1.000000e-05, gains = 32, n = 32, rows_dim = 0}
// CHECK-DAG: kernel.def @rms_norm_rows_n32 generator "rms_norm" {eps = 1.000000e-05, gains = 32, n = 32, rows_dim = 2}

// An untied table keeps the rows of the checkpoint.
// CHECK: kernel.weight ["model.embed_tokens.weight"] row_major : tensor<96x32xf32>
// Both ropes read one table.
// CHECK: kernel.rope_table
// CHECK-NOT: kernel.rope_table
// CHECK: kernel.kv_cache layer 3 heads 2 dim 8 f32 page 16 keys_transposed

// CHECK: kernel.launch "layers.0.input_layernorm" of "lm.rms_norm"
// CHECK: kernel.launch "slice_columns.6" of "lm.slice_columns" 6 (%[[QKV:.*]]) -> (%[[Q:.*]]) by tokens {any : @slice_columns_n32_at0_of64}
// CHECK: kernel.launch "slice_columns.7" of "lm.slice_columns" 7 (%[[QKV]]) -> (%[[K:.*]]) by tokens {any : @slice_columns_n16_at32_of64}
// CHECK: kernel.launch "slice_columns.8" of "lm.slice_columns" 8 (%[[QKV]]) -> (%[[V:.*]]) by tokens {any : @slice_columns_n16_at48_of64}
// CHECK: kernel.launch "rope.9" of "lm.rope" 9 (%[[Q]], %positions, %rope_table) -> (%[[QR:.*]]) by tokens {any : @rope_h4_d8}
// CHECK: kernel.launch "rope.10" of "lm.rope" 10 (%[[K]], %positions, %rope_table) -> (%[[KR:.*]]) by tokens {any : @rope_h2_d8}
// CHECK: kernel.launch "layers.3.kv_append" of "lm.kv_append" 12 (%[[KR]], %[[V]], %slots) -> (%kv.3) by tokens {any : @kv_append_f32_kv2_d8}
// CHECK: kernel.launch "layers.3.attention" of "lm.cached_attention" 13 (%[[QR]], {{.*}}, %kv.3) -> (%{{[^,]*}}, %[[A:.*]]) by tokens
// CHECK: kernel.launch "add.14" of "lm.add" 14 (%{{.*}}, %[[A]]) -> (%[[R:.*]]) by tokens {any : @add_n32}
// CHECK: kernel.launch "silu.15" of "lm.activation" 15 (%[[R]], %none) -> (%[[ACT:.*]]) by tokens {any : @silu_n32}
// CHECK: kernel.launch "mul.16" of "lm.mul" 16 (%[[ACT]], %[[R]]) -> (%{{.*}}) by tokens {any : @mul_n32}
// CHECK: kernel.launch "select_rows.17"
// CHECK: kernel.launch "norm" of "lm.rms_norm" 19 {{.*}} by rows {any : @rms_norm_rows_n32}
// CHECK: kernel.program "cpu:x86-64-v4"
