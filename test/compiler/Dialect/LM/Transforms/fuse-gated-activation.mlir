// RUN: quipu-opt %s --lm-fuse-gated-activation | FileCheck %s

// CHECK-LABEL: lm.func @activation_of_gate_times_up(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<16x4xbf16>)
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] activation silu gated : tensor<?x4xf32>, tensor<16x4xbf16>
// CHECK-NEXT: lm.return %[[Y]]
lm.func @activation_of_gate_times_up(%x: tensor<?x4xf32>, %w: tensor<16x4xbf16>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<16x4xbf16>
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @factors_in_either_order_with_norm_and_bias(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<16x4xbf16>, %[[G:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<16xf32>)
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] norm %[[G]] eps {{.*}} bias %[[B]] activation gelu_erf gated :
// CHECK-NEXT: lm.return %[[Y]]
lm.func @factors_in_either_order_with_norm_and_bias(%x: tensor<?x4xf32>, %w: tensor<16x4xbf16>, %g: tensor<4xf32>, %b: tensor<16xf32>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w norm %g eps 0.1 bias %b : tensor<?x4xf32>, tensor<16x4xbf16>, tensor<4xf32>, tensor<16xf32>
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %a = lm.activation gelu_erf %gate : tensor<?x8xf32>
  %y = lm.mul %up, %a : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @product_without_activation_stays(
// CHECK-NOT: gated
lm.func @product_without_activation_stays(%x: tensor<?x4xf32>, %w: tensor<16x4xbf16>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<16x4xbf16>
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %y = lm.mul %gate, %up : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @second_user_of_activation_blocks_fusion(
// CHECK-NOT: gated
lm.func @second_user_of_activation_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<16x4xbf16>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<16x4xbf16>
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y, %a : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @separate_projections_stay(
// CHECK-NOT: gated
lm.func @separate_projections_stay(%x: tensor<?x4xf32>, %wg: tensor<8x4xbf16>, %wu: tensor<8x4xbf16>) -> tensor<?x8xf32> {
  %gate = lm.matmul %x, %wg : tensor<?x4xf32>, tensor<8x4xbf16>
  %up = lm.matmul %x, %wu : tensor<?x4xf32>, tensor<8x4xbf16>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @slices_of_no_matmul_stay(
// CHECK-NOT: gated
lm.func @slices_of_no_matmul_stay(%h: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @up_before_gate_stays(
// CHECK-NOT: gated
lm.func @up_before_gate_stays(%x: tensor<?x4xf32>, %w: tensor<16x4xbf16>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<16x4xbf16>
  %up = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %gate = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// Boundary: two slices of the right size that leave columns over.
// CHECK-LABEL: lm.func @halves_must_fill_the_matmul(
// CHECK-NOT: gated
lm.func @halves_must_fill_the_matmul(%x: tensor<?x4xf32>, %w: tensor<17x4xbf16>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<17x4xbf16>
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x17xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x17xf32>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @activation_of_the_matmul_blocks_fusion(
// CHECK-NOT: gated
lm.func @activation_of_the_matmul_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<16x4xbf16>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w activation relu : tensor<?x4xf32>, tensor<16x4xbf16>
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @second_user_of_matmul_blocks_fusion(
// CHECK-NOT: gated
lm.func @second_user_of_matmul_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<16x4xbf16>) -> (tensor<?x8xf32>, tensor<?x16xf32>) {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<16x4xbf16>
  %gate = lm.slice_columns %h {offset = 0, size = 8} : tensor<?x16xf32>
  %up = lm.slice_columns %h {offset = 8, size = 8} : tensor<?x16xf32>
  %a = lm.activation silu %gate : tensor<?x8xf32>
  %y = lm.mul %a, %up : tensor<?x8xf32>
  lm.return %y, %h : tensor<?x8xf32>, tensor<?x16xf32>
}
