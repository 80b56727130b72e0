// RUN: quipu-opt %s --lm-quantize-weights=storage=bf16 | FileCheck %s
// RUN: quipu-opt %s --lm-quantize-weights=storage=f32 | FileCheck %s --check-prefix=F32
// RUN: quipu-opt %s --lm-quantize-weights | FileCheck %s --check-prefix=OWN
// RUN: quipu-opt %s --lm-quantize-weights=storage=q4_0 2>&1 | FileCheck %s --check-prefix=Q4
// RUN: quipu-opt %s --lm-quantize-weights=storage=q4_k 2>&1 | FileCheck %s --check-prefix=Q4K
// RUN: quipu-opt %s --lm-quantize-weights="storage=q4_0 storage-of=w?=q8_0,w*=bf16,head=q6_k" 2>&1 | FileCheck %s --check-prefix=RULES
// RUN: not quipu-opt %s --lm-quantize-weights=storage=q5_9 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not quipu-opt %s --lm-quantize-weights=storage-of=head 2>&1 | FileCheck %s --check-prefix=RULE
// RUN: not quipu-opt %s --lm-quantize-weights=storage-of=w0=q8_0 2>&1 | FileCheck %s --check-prefix=JOINED

// UNKNOWN: error: there is no storage format 'q5_9'; they are 4bit, f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, iq4_nl, mxfp4, q2_k, q3_k, q4_k, q5_k, q6_k, iq4_xs,
// RULE: error: 'head': expected PATTERN=FORMAT, such as *.down_proj.weight=q8_0
// JOINED: error: 'lm.concat_rows' op joins weights that are to be stored as '!lm.q8_0' and 'f32': run --lm-quantize-weights before --lm-join-projections

// The types of ops that read weights follow.
// CHECK-LABEL: lm.func @matrices_get_the_storage_vectors_f32(
// CHECK: %[[T:.*]] = lm.weight @table : tensor<96x32xbf16>
// CHECK: %[[G:.*]] = lm.weight @gain : tensor<32xf32>
// CHECK: lm.embedding %{{.*}}, %[[T]] : tensor<96x32xbf16>
// CHECK: lm.rms_norm %{{.*}}, %[[G]] eps {{.*}} : tensor<?x32xf32>, tensor<32xf32>
// CHECK: %[[B:.*]] = lm.concat_rows %{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xf32>
// CHECK: %[[W:.*]] = lm.concat_rows %{{.*}}, %{{.*}} : tensor<2x32xbf16>, tensor<2x32xbf16>
// CHECK: lm.matmul %{{.*}}, %[[W]] bias %[[B]] : tensor<?x32xf32>, tensor<4x32xbf16>, tensor<4xf32>
// F32-LABEL: @matrices_get_the_storage_vectors_f32(
// F32: lm.weight @table : tensor<96x32xf32>
// F32: lm.weight @gain : tensor<32xf32>
// OWN-LABEL: @matrices_get_the_storage_vectors_f32(
// OWN: lm.weight @table : tensor<96x32xf16>
// OWN: lm.weight @gain : tensor<32xf32>
// OWN: lm.weight @w0 : tensor<2x32xf32>
// Q4-LABEL: @matrices_get_the_storage_vectors_f32(
// Q4: lm.weight @w0 : tensor<2x32x!lm.q4_0>
// Q4: lm.concat_rows %{{.*}}, %{{.*}} : tensor<2x32x!lm.q4_0>, tensor<2x32x!lm.q4_0>
// RULES-LABEL: @matrices_get_the_storage_vectors_f32(
// RULES: lm.weight @w0 : tensor<2x32x!lm.q8_0>
lm.func @matrices_get_the_storage_vectors_f32(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x4xf32> {
  %table = lm.weight @table : tensor<96x32xf16>
  %gain = lm.weight @gain : tensor<32xf16>
  %x = lm.embedding %ids, %table : tensor<96x32xf16>
  %n = lm.rms_norm %x, %gain eps 0.5 : tensor<?x32xf32>, tensor<32xf16>
  %w0 = lm.weight @w0 : tensor<2x32xf32>
  %w1 = lm.weight @w1 : tensor<2x32xf32>
  %b0 = lm.weight @b0 : tensor<2xbf16>
  %b1 = lm.weight @b1 : tensor<2xbf16>
  %b = lm.concat_rows %b0, %b1 : tensor<2xbf16>, tensor<2xbf16>
  %w = lm.concat_rows %w0, %w1 : tensor<2x32xf32>, tensor<2x32xf32>
  %y = lm.matmul %n, %w bias %b : tensor<?x32xf32>, tensor<4x32xf32>, tensor<4xbf16>
  %z = lm.activation silu %y : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// With few bits the embedding and the head are kept higher, the layers are not; a rule says otherwise. With eight bits
// there is nothing to keep.
// Q4-LABEL: lm.func @embedding_and_head_are_kept_higher(
// Q4: lm.weight @table : tensor<96x256x!lm.q8_0>
// Q4: lm.weight @middle : tensor<256x256x!lm.q4_0>
// Q4: lm.weight @head : tensor<96x256x!lm.q8_0>
// Q4K-LABEL: lm.func @embedding_and_head_are_kept_higher(
// Q4K: lm.weight @table : tensor<96x256x!lm.q8_0>
// Q4K: lm.weight @middle : tensor<256x256x!lm.q4_k>
// Q4K: lm.weight @head : tensor<96x256x!lm.q8_0>
// RULES-LABEL: lm.func @embedding_and_head_are_kept_higher(
// RULES: lm.weight @table : tensor<96x256x!lm.q8_0>
// RULES: lm.weight @middle : tensor<256x256x!lm.q4_0>
// RULES: lm.weight @head : tensor<96x256x!lm.q6_k>
lm.func @embedding_and_head_are_kept_higher(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
  %table = lm.weight @table : tensor<96x256xbf16>
  %x = lm.embedding %ids, %table : tensor<96x256xbf16>
  %middle = lm.weight @middle : tensor<256x256xbf16>
  %y = lm.matmul %x, %middle : tensor<?x256xf32>, tensor<256x256xbf16>
  %head = lm.weight @head : tensor<96x256xbf16>
  %logits = lm.matmul %y, %head : tensor<?x256xf32>, tensor<96x256xbf16>
  lm.return %logits : tensor<?x96xf32>
}

// Q4K-LABEL: lm.func @rows_that_are_no_whole_blocks(
// Q4K: lm.weight @w0 : tensor<8x96x!lm.iq4_nl>
// Q4K: lm.weight @w1 : tensor<8x96x!lm.iq4_nl>
// Q4K: lm.weight @odd : tensor<8x8xbf16>
// RULES-LABEL: lm.func @rows_that_are_no_whole_blocks(
// RULES: lm.weight @w0 : tensor<8x96x!lm.q8_0>
// RULES: lm.weight @odd : tensor<8x8xbf16>
lm.func @rows_that_are_no_whole_blocks(%x: tensor<?x96xf32>) -> tensor<?x8xf32> {
  %w0 = lm.weight @w0 : tensor<8x96xbf16>
  %a = lm.matmul %x, %w0 : tensor<?x96xf32>, tensor<8x96xbf16>
  %w1 = lm.weight @w1 : tensor<8x96xbf16>
  %b = lm.matmul %x, %w1 : tensor<?x96xf32>, tensor<8x96xbf16>
  %c = lm.add %a, %b : tensor<?x8xf32>
  %odd = lm.weight @odd : tensor<8x8xbf16>
  %d = lm.matmul %c, %odd : tensor<?x8xf32>, tensor<8x8xbf16>
  %e = lm.activation silu %d : tensor<?x8xf32>
  lm.return %e : tensor<?x8xf32>
}

// Matrices of experts are matrices as others; a router keeps its format where others get blocks.
// Q4-LABEL: lm.func @experts(
// Q4: lm.weight @router : tensor<4x32xf32>
// Q4: lm.weight_stack @"experts.*.w" : tensor<4x8x32x!lm.q4_0>
// CHECK-LABEL: lm.func @experts(
// CHECK: lm.weight @router : tensor<4x32xbf16>
// CHECK: lm.weight_stack @"experts.*.w" : tensor<4x8x32xbf16>
lm.func @experts(%x: tensor<?x32xf32>) -> tensor<?x16xf32> {
  %router = lm.weight @router : tensor<4x32xf32>
  %logits = lm.matmul %x, %router : tensor<?x32xf32>, tensor<4x32xf32>
  %ids, %weights = lm.route softmax %logits choose 2 : tensor<?x4xf32>
  %w = lm.weight_stack @"experts.*.w" : tensor<4x8x32xf16>
  %y = lm.expert_matmul %x, %w, %ids : tensor<?x32xf32>, tensor<4x8x32xf16>, tensor<?x2xi32>
  lm.return %y : tensor<?x16xf32>
}
