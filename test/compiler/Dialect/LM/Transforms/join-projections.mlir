// RUN: quipu-opt %s --lm-join-projections | FileCheck %s

// CHECK-LABEL: lm.func @q_k_v_become_one_matmul(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>)
// CHECK-DAG: %[[WQ:.*]] = lm.weight @q
// CHECK-DAG: %[[WK:.*]] = lm.weight @k
// CHECK-DAG: %[[WV:.*]] = lm.weight @v
// CHECK: %[[W:.*]] = lm.concat_rows %[[WQ]], %[[WK]], %[[WV]] : tensor<64x64xbf16>, tensor<32x64xbf16>, tensor<32x64xbf16>
// CHECK: %[[QKV:.*]] = lm.matmul %[[X]], %[[W]] : tensor<?x64xf32>, tensor<128x64xbf16>
// CHECK-DAG: %[[Q:.*]] = lm.slice_columns %[[QKV]] {offset = 0, size = 64} : tensor<?x128xf32>
// CHECK-DAG: %[[K:.*]] = lm.slice_columns %[[QKV]] {offset = 64, size = 32} : tensor<?x128xf32>
// CHECK-DAG: %[[V:.*]] = lm.slice_columns %[[QKV]] {offset = 96, size = 32} : tensor<?x128xf32>
// CHECK: lm.return %[[Q]], %[[K]], %[[V]]
lm.func @q_k_v_become_one_matmul(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  %wq = lm.weight @q : tensor<64x64xbf16>
  %q = lm.matmul %x, %wq : tensor<?x64xf32>, tensor<64x64xbf16>
  %wk = lm.weight @k : tensor<32x64xbf16>
  %k = lm.matmul %x, %wk : tensor<?x64xf32>, tensor<32x64xbf16>
  %wv = lm.weight @v : tensor<32x64xbf16>
  %v = lm.matmul %x, %wv : tensor<?x64xf32>, tensor<32x64xbf16>
  lm.return %q, %k, %v : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: lm.func @biases_are_joined_as_well(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
// CHECK-DAG: %[[W0:.*]] = lm.weight @w0
// CHECK-DAG: %[[W1:.*]] = lm.weight @w1
// CHECK-DAG: %[[B0:.*]] = lm.weight @b0
// CHECK-DAG: %[[B1:.*]] = lm.weight @b1
// CHECK-DAG: %[[W:.*]] = lm.concat_rows %[[W0]], %[[W1]] : tensor<8x4xf32>, tensor<2x4xf32>
// CHECK-DAG: %[[B:.*]] = lm.concat_rows %[[B0]], %[[B1]] : tensor<8xf32>, tensor<2xf32>
// CHECK: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] bias %[[B]] : tensor<?x4xf32>, tensor<10x4xf32>, tensor<10xf32>
// CHECK-DAG: %[[Y0:.*]] = lm.slice_columns %[[Y]] {offset = 0, size = 8}
// CHECK-DAG: %[[Y1:.*]] = lm.slice_columns %[[Y]] {offset = 8, size = 2}
// CHECK: lm.return %[[Y0]], %[[Y1]]
lm.func @biases_are_joined_as_well(%x: tensor<?x4xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>) {
  %w0 = lm.weight @w0 : tensor<8x4xf32>
  %b0 = lm.weight @b0 : tensor<8xf32>
  %y0 = lm.matmul %x, %w0 bias %b0 : tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>
  %w1 = lm.weight @w1 : tensor<2x4xf32>
  %b1 = lm.weight @b1 : tensor<2xf32>
  %y1 = lm.matmul %x, %w1 bias %b1 : tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>
  lm.return %y0, %y1 : tensor<?x8xf32>, tensor<?x2xf32>
}

// Boundary: the run ends where another x is read, and a new one may start there.
// CHECK-LABEL: lm.func @each_run_is_joined_by_itself(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[Z:.*]]: tensor<?x4xf32>)
// CHECK: lm.matmul %[[X]], %{{.*}} : tensor<?x4xf32>, tensor<8x4xf32>
// CHECK: lm.matmul %[[Z]], %{{.*}} : tensor<?x4xf32>, tensor<8x4xf32>
// CHECK-NOT: lm.matmul
// CHECK: lm.return
lm.func @each_run_is_joined_by_itself(%x: tensor<?x4xf32>, %z: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %w2 = lm.weight @w2 : tensor<4x4xf32>
  %w3 = lm.weight @w3 : tensor<4x4xf32>
  %y0 = lm.matmul %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32>
  %y1 = lm.matmul %x, %w1 : tensor<?x4xf32>, tensor<4x4xf32>
  %y2 = lm.matmul %z, %w2 : tensor<?x4xf32>, tensor<4x4xf32>
  %y3 = lm.matmul %z, %w3 : tensor<?x4xf32>, tensor<4x4xf32>
  lm.return %y0, %y1, %y2, %y3 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @another_op_between_ends_the_run(
// CHECK-NOT: lm.concat_rows
lm.func @another_op_between_ends_the_run(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %y0 = lm.matmul %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32>
  %a = lm.activation silu %y0 : tensor<?x4xf32>
  %y1 = lm.matmul %x, %w1 : tensor<?x4xf32>, tensor<4x4xf32>
  lm.return %a, %y1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @own_norm_blocks_join(
// CHECK-NOT: lm.concat_rows
lm.func @own_norm_blocks_join(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %g = lm.weight @g : tensor<4xf32>
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %y0 = lm.matmul %x, %w0 norm %g eps 0.1 : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xf32>
  %y1 = lm.matmul %x, %w1 norm %g eps 0.1 : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xf32>
  lm.return %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @activation_or_residual_blocks_join(
// CHECK-NOT: lm.concat_rows
lm.func @activation_or_residual_blocks_join(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %y0 = lm.matmul %x, %w0 activation relu : tensor<?x4xf32>, tensor<4x4xf32>
  %y1 = lm.matmul %x, %w1 residual %x : tensor<?x4xf32>, tensor<4x4xf32>, tensor<?x4xf32>
  lm.return %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @weight_from_an_argument_blocks_join(
// CHECK-NOT: lm.concat_rows
lm.func @weight_from_an_argument_blocks_join(%x: tensor<?x4xf32>, %w0: tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %y0 = lm.matmul %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32>
  %y1 = lm.matmul %x, %w1 : tensor<?x4xf32>, tensor<4x4xf32>
  lm.return %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @second_user_of_a_weight_blocks_join(
// CHECK-NOT: lm.concat_rows
lm.func @second_user_of_a_weight_blocks_join(%x: tensor<?x4xf32>, %ids: tensor<?xi32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %e = lm.embedding %ids, %w1 : tensor<4x4xf32>
  %y0 = lm.matmul %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32>
  %y1 = lm.matmul %x, %w1 : tensor<?x4xf32>, tensor<4x4xf32>
  lm.return %e, %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @storage_of_weights_must_agree(
// CHECK-NOT: lm.concat_rows
lm.func @storage_of_weights_must_agree(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xbf16>
  %y0 = lm.matmul %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32>
  %y1 = lm.matmul %x, %w1 : tensor<?x4xf32>, tensor<4x4xbf16>
  lm.return %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @bias_of_only_some_blocks_join(
// CHECK-NOT: lm.concat_rows
lm.func @bias_of_only_some_blocks_join(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %b1 = lm.weight @b1 : tensor<4xf32>
  %y0 = lm.matmul %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32>
  %y1 = lm.matmul %x, %w1 bias %b1 : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xf32>
  lm.return %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @storage_of_biases_must_agree(
// CHECK-NOT: lm.concat_rows
lm.func @storage_of_biases_must_agree(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %w1 = lm.weight @w1 : tensor<4x4xf32>
  %b0 = lm.weight @b0 : tensor<4xf32>
  %b1 = lm.weight @b1 : tensor<4xbf16>
  %y0 = lm.matmul %x, %w0 bias %b0 : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xf32>
  %y1 = lm.matmul %x, %w1 bias %b1 : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xbf16>
  lm.return %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @a_single_matmul_stays(
// CHECK-NOT: lm.concat_rows
lm.func @a_single_matmul_stays(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = lm.weight @w0 : tensor<4x4xf32>
  %y0 = lm.matmul %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32>
  lm.return %y0 : tensor<?x4xf32>
}
