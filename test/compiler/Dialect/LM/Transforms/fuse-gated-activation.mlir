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

// Gate and up of experts: their matrices are joined here.
// CHECK-LABEL: lm.func @gate_and_up_of_experts(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x4xf32>, %[[IDS:[a-z0-9]+]]: tensor<?x2xi32>)
// CHECK: %[[G:.*]] = lm.weight_stack @g
// CHECK: %[[U:.*]] = lm.weight_stack @u
// CHECK: %[[W:.*]] = lm.concat_rows %[[G]], %[[U]] : tensor<3x6x4xbf16>, tensor<3x6x4xbf16>
// CHECK-NEXT: %[[Y:.*]] = lm.expert_matmul %[[X]], %[[W]], %[[IDS]] activation silu gated : tensor<?x4xf32>, tensor<3x12x4xbf16>, tensor<?x2xi32>
// CHECK-NEXT: lm.return %[[Y]]
lm.func @gate_and_up_of_experts(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>) -> tensor<?x12xf32> {
  %g = lm.weight_stack @g : tensor<3x6x4xbf16>
  %u = lm.weight_stack @u : tensor<3x6x4xbf16>
  %gate = lm.expert_matmul %x, %g, %ids : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %up = lm.expert_matmul %x, %u, %ids : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %a = lm.activation silu %gate : tensor<?x12xf32>
  %y = lm.mul %up, %a : tensor<?x12xf32>
  lm.return %y : tensor<?x12xf32>
}

// CHECK-LABEL: lm.func @other_experts_block_fusion(
// CHECK: lm.mul
lm.func @other_experts_block_fusion(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>, %other: tensor<?x2xi32>) -> tensor<?x12xf32> {
  %g = lm.weight_stack @g : tensor<3x6x4xbf16>
  %u = lm.weight_stack @u : tensor<3x6x4xbf16>
  %gate = lm.expert_matmul %x, %g, %ids : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %up = lm.expert_matmul %x, %u, %other : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %a = lm.activation silu %gate : tensor<?x12xf32>
  %y = lm.mul %a, %up : tensor<?x12xf32>
  lm.return %y : tensor<?x12xf32>
}

// CHECK-LABEL: lm.func @formats_of_experts_that_differ_block_fusion(
// CHECK: lm.mul
lm.func @formats_of_experts_that_differ_block_fusion(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>) -> tensor<?x12xf32> {
  %g = lm.weight_stack @g : tensor<3x6x4xbf16>
  %u = lm.weight_stack @u : tensor<3x6x4xf16>
  %gate = lm.expert_matmul %x, %g, %ids : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %up = lm.expert_matmul %x, %u, %ids : tensor<?x4xf32>, tensor<3x6x4xf16>, tensor<?x2xi32>
  %a = lm.activation silu %gate : tensor<?x12xf32>
  %y = lm.mul %a, %up : tensor<?x12xf32>
  lm.return %y : tensor<?x12xf32>
}

// CHECK-LABEL: lm.func @activated_up_of_experts_blocks_fusion(
// CHECK: lm.mul
lm.func @activated_up_of_experts_blocks_fusion(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>) -> tensor<?x12xf32> {
  %g = lm.weight_stack @g : tensor<3x6x4xbf16>
  %u = lm.weight_stack @u : tensor<3x6x4xbf16>
  %gate = lm.expert_matmul %x, %g, %ids : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %up = lm.expert_matmul %x, %u, %ids activation relu : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %a = lm.activation silu %gate : tensor<?x12xf32>
  %y = lm.mul %a, %up : tensor<?x12xf32>
  lm.return %y : tensor<?x12xf32>
}

// CHECK-LABEL: lm.func @second_reader_of_a_stack_blocks_fusion(
// CHECK: lm.mul
lm.func @second_reader_of_a_stack_blocks_fusion(%x: tensor<?x4xf32>, %ids: tensor<?x2xi32>) -> tensor<?x12xf32> {
  %g = lm.weight_stack @g : tensor<3x6x4xbf16>
  %gate = lm.expert_matmul %x, %g, %ids : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %up = lm.expert_matmul %x, %g, %ids : tensor<?x4xf32>, tensor<3x6x4xbf16>, tensor<?x2xi32>
  %a = lm.activation silu %gate : tensor<?x12xf32>
  %y = lm.mul %a, %up : tensor<?x12xf32>
  lm.return %y : tensor<?x12xf32>
}
