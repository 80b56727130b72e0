// RUN: quipu-opt %s --lm-remove-dead-weights | FileCheck %s

// CHECK-LABEL: lm.func @what_nothing_reads_goes(
// CHECK-NOT: @unused
// CHECK: lm.weight @used
// CHECK-NOT: lm.concat_rows
// CHECK: lm.matmul
lm.func @what_nothing_reads_goes(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %unused = lm.weight @unused : tensor<4x4xf32>
  %part = lm.weight @unused_part : tensor<4x4xf32>
  %joined = lm.concat_rows %part, %part : tensor<4x4xf32>, tensor<4x4xf32>
  %w = lm.weight @used : tensor<4x4xf32>
  %y = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// Boundary: a weight that only a joined weight reads is read.
// CHECK-LABEL: lm.func @parts_of_a_joined_weight_stay(
// CHECK: lm.weight @a
// CHECK: lm.weight @b
lm.func @parts_of_a_joined_weight_stay(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  %a = lm.weight @a : tensor<4x4xf32>
  %b = lm.weight @b : tensor<4x4xf32>
  %w = lm.concat_rows %a, %b : tensor<4x4xf32>, tensor<4x4xf32>
  %y = lm.matmul %x, %w : tensor<?x4xf32>, tensor<8x4xf32>
  lm.return %y : tensor<?x8xf32>
}

// Only weights: what computes is for other passes.
// CHECK-LABEL: lm.func @ops_that_compute_stay(
// CHECK: lm.activation
lm.func @ops_that_compute_stay(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = lm.activation relu %x : tensor<?x4xf32>
  lm.return %x : tensor<?x4xf32>
}
