// RUN: quipu-opt %s | quipu-opt | FileCheck %s
// RUN: quipu-opt %s --mlir-print-op-generic | quipu-opt | FileCheck %s

// CHECK: #rope = #lm.rope<dim = 8, layout = split_half, attention_factor = 1.000000e+00, inv_freq = [1.000000e+00, 1.000000e-01, 0.0099999999999999984, 1.000000e-03]>
#rope = #lm.rope<dim = 8, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.1, 0.0099999999999999984, 0.001]>
// CHECK: #rope1 = #lm.rope<dim = 2, layout = interleaved, attention_factor = 1.250000e+00, inv_freq = [1.000000e+00]>
#rope1 = #lm.rope<dim = 2, layout = interleaved, attention_factor = 1.25, inv_freq = [1.0]>
// CHECK: #rope2 = #lm.rope<dim = 8, rotated = 4, layout = split_half, attention_factor = 1.000000e+00, inv_freq = [1.000000e+00, 5.000000e-01]>
#partial = #lm.rope<dim = 8, rotated = 4, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.5]>

// CHECK-LABEL: lm.func @plain_form(
// CHECK-SAME: %[[IDS:.*]]: tensor<?xi32>, %[[POS:.*]]: tensor<?xi32>) -> tensor<?x96xf32> {
lm.func @plain_form(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
  // CHECK: %[[TABLE:.*]] = lm.weight @model.embed_tokens.weight : tensor<96x64xbf16>
  %table = lm.weight @model.embed_tokens.weight : tensor<96x64xbf16>
  // CHECK: %[[X:.*]] = lm.embedding %[[IDS]], %[[TABLE]] : tensor<96x64xbf16>
  %x = lm.embedding %ids, %table : tensor<96x64xbf16>
  // CHECK: %[[G:.*]] = lm.weight @"an odd name" : tensor<64xf32>
  %g = lm.weight @"an odd name" : tensor<64xf32>
  // CHECK: %[[N:.*]] = lm.rms_norm %[[X]], %[[G]] eps 1.000000e-05 : tensor<?x64xf32>, tensor<64xf32>
  %n = lm.rms_norm %x, %g eps 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>
  %wq = lm.weight @q_proj.weight : tensor<64x64xbf16>
  %wk = lm.weight @k_proj.weight : tensor<32x64xbf16>
  // CHECK: %[[Q:.*]] = lm.matmul %[[N]], %{{.*}} : tensor<?x64xf32>, tensor<64x64xbf16>
  %q = lm.matmul %n, %wq : tensor<?x64xf32>, tensor<64x64xbf16>
  // CHECK: %[[K:.*]] = lm.matmul %[[N]], %{{.*}} : tensor<?x64xf32>, tensor<32x64xbf16>
  %k = lm.matmul %n, %wk : tensor<?x64xf32>, tensor<32x64xbf16>
  // CHECK: %[[QR:.*]] = lm.rope %[[Q]], %[[POS]], #rope : tensor<?x64xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x64xf32>
  // CHECK: %[[KR:.*]] = lm.rope %[[K]], %[[POS]], #rope1 : tensor<?x32xf32>
  %kr = lm.rope %k, %pos, #rope1 : tensor<?x32xf32>
  // CHECK: %[[A:.*]] = lm.attention %[[QR]], %[[KR]], %[[K]] {causal, scale = 3.500000e-01, heads = 8, kv_heads = 4} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  %a = lm.attention %qr, %kr, %k {causal, scale = 0.35, heads = 8, kv_heads = 4} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  // CHECK: %[[B:.*]] = lm.attention %[[A]], %[[KR]], %[[K]] {causal, scale = 3.500000e-01, heads = 8, kv_heads = 4, window = 16} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  %b = lm.attention %a, %kr, %k {causal, scale = 0.35, heads = 8, kv_heads = 4, window = 16} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  // CHECK: %[[C:.*]] = lm.attention %[[B]], %[[KR]], %[[K]] {{{ ?}}scale = 3.500000e-01, heads = 8, kv_heads = 4} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  %c = lm.attention %b, %kr, %k {scale = 0.35, heads = 8, kv_heads = 4} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  // CHECK: %[[S:.*]] = lm.activation gelu_tanh %[[C]] : tensor<?x64xf32>
  %s = lm.activation gelu_tanh %c : tensor<?x64xf32>
  // CHECK: %[[M:.*]] = lm.mul %[[S]], %[[C]] : tensor<?x64xf32>
  %m = lm.mul %s, %c : tensor<?x64xf32>
  // CHECK: %[[Y:.*]] = lm.add %[[M]], %[[X]] : tensor<?x64xf32>
  %y = lm.add %m, %x : tensor<?x64xf32>
  // CHECK: %[[L:.*]] = lm.matmul %[[Y]], %[[TABLE]] : tensor<?x64xf32>, tensor<96x64xbf16>
  %logits = lm.matmul %y, %table : tensor<?x64xf32>, tensor<96x64xbf16>
  // CHECK: lm.return %[[L]] : tensor<?x96xf32>
  lm.return %logits : tensor<?x96xf32>
}

// CHECK-LABEL: lm.func @matmul_with_everything(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[W:[a-z0-9]+]]: tensor<48x64xf16>, %[[G:[a-z0-9]+]]: tensor<64xf32>, %[[B:[a-z0-9]+]]: tensor<48xf32>, %[[R:[a-z0-9]+]]: tensor<?x24xf32>
lm.func @matmul_with_everything(%x: tensor<?x64xf32>, %w: tensor<48x64xf16>, %g: tensor<64xf32>, %b: tensor<48xf32>, %r: tensor<?x24xf32>) -> tensor<?x24xf32> {
  // CHECK: lm.matmul %[[X]], %[[W]] norm %[[G]] eps 1.000000e-05 bias %[[B]] activation silu gated residual %[[R]] : tensor<?x64xf32>, tensor<48x64xf16>, tensor<64xf32>, tensor<48xf32>, tensor<?x24xf32>
  %y = lm.matmul %x, %w norm %g eps 1.0e-5 bias %b activation silu gated residual %r : tensor<?x64xf32>, tensor<48x64xf16>, tensor<64xf32>, tensor<48xf32>, tensor<?x24xf32>
  lm.return %y : tensor<?x24xf32>
}

// CHECK-LABEL: lm.func @joined(
lm.func @joined(%x: tensor<?x64xf32>, %rows: tensor<?xi32>, %sampling: !lm.sampling) -> (tensor<?x32xf32>, tensor<?xi32>) {
  %w0 = lm.weight @a : tensor<64x64xf32>
  %w1 = lm.weight @b : tensor<32x64xf32>
  // CHECK: %[[W:.*]] = lm.concat_rows %{{.*}}, %{{.*}} : tensor<64x64xf32>, tensor<32x64xf32>
  %w = lm.concat_rows %w0, %w1 : tensor<64x64xf32>, tensor<32x64xf32>
  %y = lm.matmul %x, %w : tensor<?x64xf32>, tensor<96x64xf32>
  // CHECK: %[[K:.*]] = lm.slice_columns %{{.*}} {offset = 64, size = 32} : tensor<?x96xf32>
  %k = lm.slice_columns %y {offset = 64, size = 32} : tensor<?x96xf32>
  // CHECK: %[[S:.*]] = lm.select_rows %[[K]], %{{.*}} : tensor<?x32xf32>
  %s = lm.select_rows %k, %rows : tensor<?x32xf32>
  // CHECK: %[[T:.*]] = lm.sample %[[S]], %{{.*}} : tensor<?x32xf32>
  %t = lm.sample %s, %sampling : tensor<?x32xf32>
  // CHECK: lm.return %[[S]], %[[T]] : tensor<?x32xf32>, tensor<?xi32>
  lm.return %s, %t : tensor<?x32xf32>, tensor<?xi32>
}

// CHECK-LABEL: lm.func @cached_form(
// CHECK-SAME: %[[BATCH:[a-z0-9]+]]: !lm.batch
lm.func @cached_form(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>, %qkv: tensor<?x128xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x64xf32> {
  // CHECK: %[[C:.*]] = lm.kv_cache {layer = 3} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
  %c = lm.kv_cache {layer = 3} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
  // CHECK: %[[C1:.*]] = lm.kv_append %[[C]], %{{.*}}, %{{.*}}, %[[BATCH]] : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>, tensor<?x32xf32>, tensor<?x32xf32>
  %c1 = lm.kv_append %c, %k, %k, %batch : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>, tensor<?x32xf32>, tensor<?x32xf32>
  // CHECK: %[[A:.*]] = lm.cached_attention %{{.*}}, %[[C1]], %[[BATCH]] {scale = 2.500000e-01, heads = 8} : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
  %a = lm.cached_attention %q, %c1, %batch {scale = 0.25, heads = 8} : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
  %p = lm.kv_cache {layer = 4} : !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  // CHECK: %[[Q:.*]], %[[P1:.*]] = lm.rope_append %{{.*}}, %{{.*}}, %{{.*}}, %[[BATCH]], #rope {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  %q1, %p1 = lm.rope_append %qkv, %pos, %p, %batch, #rope {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  // CHECK: lm.rope_append %{{.*}}, %{{.*}}, %[[P1]], %[[BATCH]] {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  %q2, %p2 = lm.rope_append %qkv, %pos, %p1, %batch {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  // CHECK: lm.rope_append %[[Q]] v %{{.*}}, %{{.*}}, %{{.*}}, %[[BATCH]], #rope {heads = 4} : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>, tensor<?x32xf32>
  %q3, %p3 = lm.rope_append %q1 v %k, %pos, %p2, %batch, #rope {heads = 4} : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>, tensor<?x32xf32>
  // CHECK: lm.cached_attention %{{.*}}, %{{.*}}, %[[BATCH]] {scale = 2.500000e-01, heads = 8, window = 4} : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  %b = lm.cached_attention %q2, %p2, %batch {scale = 0.25, heads = 8, window = 4} : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  %y = lm.add %a, %b : tensor<?x64xf32>
  lm.return %y : tensor<?x64xf32>
}

// Every format that is stored in blocks; i8_g32 and i4_g32 are other names of q8_0 and q4_0.
// CHECK-LABEL: lm.func @blocked_weights(
lm.func @blocked_weights(%x: tensor<?x256xf32>) {
  // CHECK-NEXT: %[[A:.*]] = lm.weight @a : tensor<4x256x!lm.q8_0>
  %a = lm.weight @a : tensor<4x256x!lm.q8_0>
  // CHECK-NEXT: lm.weight @b : tensor<4x256x!lm.q4_0>
  %b = lm.weight @b : tensor<4x256x!lm.q4_0>
  // CHECK-NEXT: lm.weight @c : tensor<4x256x!lm.q4_k>
  %c = lm.weight @c : tensor<4x256x!lm.q4_k>
  // CHECK-NEXT: lm.weight @d : tensor<4x256x!lm.q6_k>
  %d = lm.weight @d : tensor<4x256x!lm.q6_k>
  // CHECK-NEXT: lm.weight @e : tensor<4x256x!lm.iq4_nl>
  %e = lm.weight @e : tensor<4x256x!lm.iq4_nl>
  // CHECK-NEXT: lm.weight @f : tensor<4x256x!lm.i8_g64>
  %f = lm.weight @f : tensor<4x256x!lm.i8_g64>
  // CHECK-NEXT: lm.weight @g : tensor<4x256x!lm.i4_g128z>
  %g = lm.weight @g : tensor<4x256x!lm.i4_g128z>
  // CHECK-NEXT: %[[H:.*]] = lm.weight @h : tensor<8x256x!lm.q8_0>
  %h = lm.weight @h : tensor<8x256x!lm.i8_g32>
  // CHECK-NEXT: %[[AH:.*]] = lm.concat_rows %[[A]], %[[H]] : tensor<4x256x!lm.q8_0>, tensor<8x256x!lm.q8_0>
  %ah = lm.concat_rows %a, %h : tensor<4x256x!lm.q8_0>, tensor<8x256x!lm.q8_0>
  // CHECK-NEXT: lm.matmul %{{.*}}, %[[AH]] : tensor<?x256xf32>, tensor<12x256x!lm.q8_0>
  %y = lm.matmul %x, %ah : tensor<?x256xf32>, tensor<12x256x!lm.q8_0>
  lm.return
}

// CHECK-LABEL: lm.func @norms(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[R:[a-z0-9]+]]: tensor<?x64xf32>, %[[G:[a-z0-9]+]]: tensor<64xf32>, %[[H:[a-z0-9]+]]: tensor<16xf32>)
lm.func @norms(%x: tensor<?x64xf32>, %r: tensor<?x64xf32>, %g: tensor<64xf32>, %h: tensor<16xf32>) {
  // CHECK: lm.rms_norm %[[X]] eps 1.000000e-05 : tensor<?x64xf32>
  %0 = lm.rms_norm %x eps 1.0e-5 : tensor<?x64xf32>
  // CHECK: lm.rms_norm %[[X]], %[[H]] eps 1.000000e-05 groups 4 : tensor<?x64xf32>, tensor<16xf32>
  %1 = lm.rms_norm %x, %h eps 1.0e-5 groups 4 : tensor<?x64xf32>, tensor<16xf32>
  // CHECK: lm.rms_norm %[[X]], %[[G]] eps 1.000000e-05 residual %[[R]] : tensor<?x64xf32>, tensor<64xf32>, tensor<?x64xf32>
  %2 = lm.rms_norm %x, %g eps 1.0e-5 residual %r : tensor<?x64xf32>, tensor<64xf32>, tensor<?x64xf32>
  // CHECK: lm.layer_norm %[[X]], %[[G]] eps 1.000000e-05 : tensor<?x64xf32>, tensor<64xf32>
  %3 = lm.layer_norm %x, %g eps 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>
  // CHECK: lm.layer_norm %[[X]], %[[G]] bias %[[G]] eps 1.000000e-05 residual %[[R]] : tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<?x64xf32>
  %4 = lm.layer_norm %x, %g bias %g eps 1.0e-5 residual %r : tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<?x64xf32>
  lm.return
}

// CHECK-LABEL: lm.func @scales(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[IDS:[a-z0-9]+]]: tensor<?xi32>, %[[W:[a-z0-9]+]]: tensor<48x64xf16>, %[[G:[a-z0-9]+]]: tensor<64xf32>)
lm.func @scales(%x: tensor<?x64xf32>, %ids: tensor<?xi32>, %w: tensor<48x64xf16>, %g: tensor<64xf32>) {
  // CHECK: lm.scale %[[X]] {factor = 2.500000e-01} : tensor<?x64xf32>
  %0 = lm.scale %x {factor = 0.25} : tensor<?x64xf32>
  // CHECK: lm.softcap %[[X]] {cap = 3.000000e+01} : tensor<?x64xf32>
  %1 = lm.softcap %x {cap = 30.0} : tensor<?x64xf32>
  // CHECK: lm.position_scale %[[X]], %[[IDS]] {beta = 1.000000e-01, length = 8192} : tensor<?x64xf32>
  %2 = lm.position_scale %x, %ids {beta = 0.1, length = 8192} : tensor<?x64xf32>
  // CHECK: lm.embedding %[[IDS]], %[[W]] scale 8.000000e+00 : tensor<48x64xf16>
  %3 = lm.embedding %ids, %w scale 8.0 : tensor<48x64xf16>
  // CHECK: lm.matmul %[[X]], %[[W]] norm %[[G]] eps 1.000000e-05 centred shift %[[G]] scale 2.500000e-01 softcap 3.000000e+01 : tensor<?x64xf32>, tensor<48x64xf16>, tensor<64xf32>, tensor<64xf32>
  %4 = lm.matmul %x, %w norm %g eps 1.0e-5 centred shift %g scale 0.25 softcap 30.0 : tensor<?x64xf32>, tensor<48x64xf16>, tensor<64xf32>, tensor<64xf32>
  // CHECK: lm.activation relu2 %[[X]] : tensor<?x64xf32>
  %5 = lm.activation relu2 %x : tensor<?x64xf32>
  // CHECK: lm.activation sigmoid %[[X]] : tensor<?x64xf32>
  %6 = lm.activation sigmoid %x : tensor<?x64xf32>
  lm.return
}


// CHECK-LABEL: lm.func @heads(
lm.func @heads(%qkv: tensor<?x128xf32>, %pos: tensor<?xi32>, %c: !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>, %batch: !lm.batch, %g: tensor<8xf32>, %gq: tensor<64xf32>, %gk: tensor<32xf32>) {
  // CHECK: lm.rope_append %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, #rope{{[0-9]*}} q_norm %[[G:.*]] k_norm %[[G]] eps 5.000000e-01 centred {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>> norms tensor<8xf32>, tensor<8xf32>
  %q, %c1 = lm.rope_append %qkv, %pos, %c, %batch, #partial q_norm %g k_norm %g eps 0.5 centred {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>> norms tensor<8xf32>, tensor<8xf32>
  // CHECK: lm.rope_append {{.*}} eps 5.000000e-01 whole query_scale [1.000000e-01, 8.192000e+03] {heads = 8} : tensor<?x128xf32>,
  %r, %c2 = lm.rope_append %qkv, %pos, %c1, %batch q_norm %gq k_norm %gk eps 0.5 whole query_scale [0.1, 8192.0] {heads = 8} : tensor<?x128xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>> norms tensor<64xf32>, tensor<32xf32>
  // CHECK: lm.cached_attention {{.*}} {scale = 2.500000e-01, heads = 8, window = 4} softcap 5.000000e+01 :
  %a = lm.cached_attention %r, %c2, %batch {scale = 0.25, heads = 8, window = 4} softcap 50.0 : tensor<?x64xf32>, !lm.kv<heads = 4, dim = 8, elem = f32, layout = paged<16>>
  lm.return
}

// CHECK-LABEL: lm.func @weight_expressions(
lm.func @weight_expressions() {
  // CHECK: %[[A:.*]] = lm.weight @a : tensor<64x192xf32>
  %a = lm.weight @a : tensor<64x192xf32>
  // CHECK: %[[T:.*]] = lm.weight_transpose %[[A]] : tensor<64x192xf32> -> tensor<192x64x!lm.q8_0>
  %t = lm.weight_transpose %a : tensor<64x192xf32> -> tensor<192x64x!lm.q8_0>
  // CHECK: %[[R:.*]] = lm.weight_rows %[[T]] {first = 16, size = 16, stride = 48, count = 4} : tensor<192x64x!lm.q8_0> -> tensor<64x64xbf16>
  %r = lm.weight_rows %t {first = 16, size = 16, stride = 48, count = 4} : tensor<192x64x!lm.q8_0> -> tensor<64x64xbf16>
  // CHECK: lm.weight_affine %[[R]] {scale = 5.000000e-01, add = 1.000000e+00} : tensor<64x64xbf16> -> tensor<64x64xf32>
  %s = lm.weight_affine %r {scale = 0.5, add = 1.0} : tensor<64x64xbf16> -> tensor<64x64xf32>
  lm.return
}
