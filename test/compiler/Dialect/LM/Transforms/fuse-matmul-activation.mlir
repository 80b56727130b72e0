// RUN: quipu-opt %s --lm-fuse-matmul-activation | FileCheck %s

// CHECK-LABEL: lm.func @activation_moves_into_the_matmul(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<8x4xbf16>, %[[B:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] bias %[[B]] activation gelu_tanh : tensor<?x4xf32>, tensor<8x4xbf16>, tensor<8xf32>
// CHECK-NEXT: lm.return %[[Y]]
lm.func @activation_moves_into_the_matmul(%x: tensor<?x4xf32>, %w: tensor<8x4xbf16>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w bias %b : tensor<?x4xf32>, tensor<8x4xbf16>, tensor<8xf32>
  %y = lm.activation gelu_tanh %h : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// Boundary: of two activations the first is fused, the second has nowhere to go.
// CHECK-LABEL: lm.func @only_one_activation_fits(
// CHECK: %[[H:.*]] = lm.matmul %{{.*}}, %{{.*}} activation relu
// CHECK: %[[Y:.*]] = lm.activation silu %[[H]]
// CHECK: lm.return %[[Y]]
lm.func @only_one_activation_fits(%x: tensor<?x4xf32>, %w: tensor<8x4xbf16>) -> tensor<?x8xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  %a = lm.activation relu %h : tensor<?x8xf32>
  %y = lm.activation silu %a : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @activation_of_no_matmul_stays(
// CHECK: lm.activation silu
lm.func @activation_of_no_matmul_stays(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = lm.activation silu %x : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @second_user_blocks_fusion(
// CHECK: lm.activation silu
lm.func @second_user_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<8x4xbf16>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  %y = lm.activation silu %h : tensor<?x8xf32>
  lm.return %y, %h : tensor<?x8xf32>, tensor<?x8xf32>
}

// The activation would have to come before the residual.
// CHECK-LABEL: lm.func @residual_blocks_fusion(
// CHECK: lm.activation silu
lm.func @residual_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %h = lm.matmul %x, %w residual %x : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
  %y = lm.activation silu %h : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}
