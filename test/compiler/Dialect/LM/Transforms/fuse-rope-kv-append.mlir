// RUN: quipu-opt %s --lm-fuse-rope-kv-append | FileCheck %s

#rope = #lm.rope<dim = 4, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.5]>
#other = #lm.rope<dim = 4, layout = interleaved, attention_factor = 1.0, inv_freq = [1.0, 0.5]>
#half = #lm.rope<dim = 2, layout = split_half, attention_factor = 1.0, inv_freq = [1.0]>
!kv = !lm.kv<heads = 2, dim = 4, elem = bf16, layout = contiguous>

// CHECK-LABEL: lm.func @rope_and_append_become_one_op(
// CHECK-SAME: %[[QKV:.*]]: tensor<?x32xf32>, %[[POS:.*]]: tensor<?xi32>, %[[BATCH:.*]]: !lm.batch)
// CHECK-NEXT: %[[C:.*]] = lm.kv_cache
// CHECK-NEXT: %[[Q:.*]], %[[N:.*]] = lm.rope_append %[[QKV]], %[[POS]], %[[C]], %[[BATCH]], #rope {heads = 4} : tensor<?x32xf32>, !lm.kv<heads = 2, dim = 4, elem = bf16, layout = contiguous>
// CHECK-NEXT: %[[A:.*]] = lm.cached_attention %[[Q]], %[[N]], %[[BATCH]]
// CHECK-NEXT: lm.return %[[A]]
lm.func @rope_and_append_become_one_op(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @without_rope_only_the_append_is_fused(
// CHECK-SAME: %[[QKV:.*]]: tensor<?x32xf32>, %[[POS:.*]]: tensor<?xi32>, %[[BATCH:.*]]: !lm.batch)
// CHECK: %[[Q:.*]], %[[N:.*]] = lm.rope_append %[[QKV]], %[[POS]], %{{.*}}, %[[BATCH]] {heads = 4} :
// CHECK-NEXT: lm.cached_attention %[[Q]], %[[N]], %[[BATCH]]
lm.func @without_rope_only_the_append_is_fused(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %k, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %q, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @no_positions_argument_blocks_fusion_without_rope(
// CHECK: lm.kv_append
lm.func @no_positions_argument_blocks_fusion_without_rope(%qkv: tensor<?x32xf32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %k, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %q, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// v of a weight in another format is a projection of its own.
// CHECK-LABEL: lm.func @v_of_another_projection_becomes_an_operand(
// CHECK-SAME: %[[QK:.*]]: tensor<?x24xf32>, %[[V:.*]]: tensor<?x8xf32>, %[[POS:.*]]: tensor<?xi32>, %[[BATCH:.*]]: !lm.batch)
// CHECK-NEXT: %[[C:.*]] = lm.kv_cache
// CHECK-NEXT: %[[Q:.*]], %[[N:.*]] = lm.rope_append %[[QK]] v %[[V]], %[[POS]], %[[C]], %[[BATCH]], #rope {heads = 4} : tensor<?x24xf32>, !lm.kv<heads = 2, dim = 4, elem = bf16, layout = contiguous>, tensor<?x8xf32>
// CHECK-NEXT: lm.cached_attention %[[Q]], %[[N]], %[[BATCH]]
lm.func @v_of_another_projection_becomes_an_operand(%qk: tensor<?x24xf32>, %v: tensor<?x8xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qk {offset = 0, size = 16} : tensor<?x24xf32>
  %k = lm.slice_columns %qk {offset = 16, size = 8} : tensor<?x24xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// v may be a slice of something else, and may have other readers.
// CHECK-LABEL: lm.func @v_sliced_elsewhere_becomes_an_operand(
// CHECK: %[[V:.*]] = lm.slice_columns
// CHECK: lm.rope_append %{{.*}} v %[[V]],
lm.func @v_sliced_elsewhere_becomes_an_operand(%qk: tensor<?x24xf32>, %pos: tensor<?xi32>, %vv: tensor<?x16xf32>, %batch: !lm.batch) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %q = lm.slice_columns %qk {offset = 0, size = 16} : tensor<?x24xf32>
  %k = lm.slice_columns %qk {offset = 16, size = 8} : tensor<?x24xf32>
  %v = lm.slice_columns %vv {offset = 8, size = 8} : tensor<?x16xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %k, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %q, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a, %v : tensor<?x16xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @k_of_no_projection_stays(
// CHECK: lm.kv_append
lm.func @k_of_no_projection_stays(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %q, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @columns_over_beside_a_separate_v_stay(
// CHECK: lm.kv_append
lm.func @columns_over_beside_a_separate_v_stay(%qkv: tensor<?x32xf32>, %v: tensor<?x8xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @q_without_the_rope_of_k_stays(
// CHECK: lm.kv_append
lm.func @q_without_the_rope_of_k_stays(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %q, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @v_before_k_stays(
// CHECK: lm.kv_append
lm.func @v_before_k_stays(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// Boundary: the slices fit each other but leave a column over.
// CHECK-LABEL: lm.func @q_k_and_v_must_fill_the_projection(
// CHECK: lm.kv_append
lm.func @q_k_and_v_must_fill_the_projection(%qkv: tensor<?x33xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x33xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x33xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x33xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// q has 3 heads, the cache 2.
// CHECK-LABEL: lm.func @uneven_heads_stay(
// CHECK: lm.kv_append
lm.func @uneven_heads_stay(%qkv: tensor<?x28xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> (tensor<?x12xf32>, !kv) {
  %q = lm.slice_columns %qkv {offset = 0, size = 12} : tensor<?x28xf32>
  %k = lm.slice_columns %qkv {offset = 12, size = 8} : tensor<?x28xf32>
  %v = lm.slice_columns %qkv {offset = 20, size = 8} : tensor<?x28xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x12xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return %qr, %n : tensor<?x12xf32>, !kv
}

// CHECK-LABEL: lm.func @another_rope_of_q_blocks_fusion(
// CHECK: lm.kv_append
lm.func @another_rope_of_q_blocks_fusion(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qr = lm.rope %q, %pos, #other : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @rope_of_half_a_head_blocks_fusion(
// CHECK: lm.kv_append
lm.func @rope_of_half_a_head_blocks_fusion(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qr = lm.rope %q, %pos, #half : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #half : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @second_user_of_k_blocks_fusion(
// CHECK: lm.kv_append
lm.func @second_user_of_k_blocks_fusion(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qr, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a, %kr : tensor<?x16xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @q_read_before_the_append_blocks_fusion(
// CHECK: lm.kv_append
lm.func @q_read_before_the_append_blocks_fusion(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qr = lm.rope %q, %pos, #rope : tensor<?x16xf32>
  %qq = lm.activation relu %qr : tensor<?x16xf32>
  %kr = lm.rope %k, %pos, #rope : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qq, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @norms_of_heads_and_the_scale_of_queries_are_fused(
// CHECK-SAME: %[[QKV:.*]]: tensor<?x32xf32>, %[[POS:.*]]: tensor<?xi32>, %[[BATCH:.*]]: !lm.batch, %[[G:.*]]: tensor<4xf32>)
// CHECK: %[[Q:.*]], %[[N:.*]] = lm.rope_append %[[QKV]], %[[POS]], %{{.*}}, %[[BATCH]], #rope q_norm %[[G]] k_norm %[[G]] eps 5.000000e-01 query_scale [1.000000e-01, 8.000000e+00] {heads = 4} :
// CHECK-NEXT: lm.cached_attention %[[Q]], %[[N]], %[[BATCH]]
lm.func @norms_of_heads_and_the_scale_of_queries_are_fused(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch, %g: tensor<4xf32>) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qn = lm.rms_norm %q, %g eps 0.5 groups 4 : tensor<?x16xf32>, tensor<4xf32>
  %kn = lm.rms_norm %k, %g eps 0.5 groups 2 : tensor<?x8xf32>, tensor<4xf32>
  %qr = lm.rope %qn, %pos, #rope : tensor<?x16xf32>
  %kr = lm.rope %kn, %pos, #rope : tensor<?x8xf32>
  %qs = lm.position_scale %qr, %pos {beta = 0.1, length = 8} : tensor<?x16xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kr, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qs, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @norms_over_all_heads_are_fused(
// CHECK: lm.rope_append %{{.*}} q_norm %{{.*}} k_norm %{{.*}} eps 5.000000e-01 whole {heads = 4} :
lm.func @norms_over_all_heads_are_fused(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch, %g: tensor<16xf32>, %h: tensor<8xf32>) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qn = lm.rms_norm %q, %g eps 0.5 : tensor<?x16xf32>, tensor<16xf32>
  %kn = lm.rms_norm %k, %h eps 0.5 : tensor<?x8xf32>, tensor<8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kn, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qn, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @norm_of_one_of_the_two_blocks_fusion(
// CHECK: lm.kv_append
lm.func @norm_of_one_of_the_two_blocks_fusion(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch, %g: tensor<4xf32>) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %kn = lm.rms_norm %k, %g eps 0.5 groups 2 : tensor<?x8xf32>, tensor<4xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kn, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %q, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @norms_of_different_eps_block_fusion(
// CHECK: lm.kv_append
lm.func @norms_of_different_eps_block_fusion(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch, %g: tensor<4xf32>) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qn = lm.rms_norm %q, %g eps 0.25 groups 4 : tensor<?x16xf32>, tensor<4xf32>
  %kn = lm.rms_norm %k, %g eps 0.5 groups 2 : tensor<?x8xf32>, tensor<4xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kn, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qn, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @norms_without_gain_block_fusion(
// CHECK: lm.kv_append
lm.func @norms_without_gain_block_fusion(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %q = lm.slice_columns %qkv {offset = 0, size = 16} : tensor<?x32xf32>
  %k = lm.slice_columns %qkv {offset = 16, size = 8} : tensor<?x32xf32>
  %v = lm.slice_columns %qkv {offset = 24, size = 8} : tensor<?x32xf32>
  %qn = lm.rms_norm %q eps 0.5 groups 4 : tensor<?x16xf32>
  %kn = lm.rms_norm %k eps 0.5 groups 2 : tensor<?x8xf32>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %kn, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %qn, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}
