// RUN: quipu-opt %s --lm-fuse-matmul-residual | FileCheck %s

// CHECK-LABEL: lm.func @residual_on_either_side(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<4x4xbf16>)
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] residual %[[X]] : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
// CHECK-NEXT: %[[Z:.*]] = lm.matmul %[[Y]], %[[W]] residual %[[Y]] : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
// CHECK-NEXT: lm.return %[[Z]]
lm.func @residual_on_either_side(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %y = lm.add %x, %h : tensor<?x4xf32>
  %i = lm.matmul %y, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %z = lm.add %i, %y : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @norm_bias_and_activation_stay_with_the_matmul(
// CHECK: lm.matmul %{{.*}}, %{{.*}} norm %{{.*}} eps {{.*}} bias %{{.*}} activation silu gated residual
// CHECK-NOT: lm.add
lm.func @norm_bias_and_activation_stay_with_the_matmul(%x: tensor<?x4xf32>, %w: tensor<8x4xbf16>, %g: tensor<4xf32>, %b: tensor<8xf32>) -> tensor<?x4xf32> {
  %h = lm.matmul %x, %w norm %g eps 0.1 bias %b activation silu gated : tensor<?x4xf32>, tensor<8x4xbf16>, tensor<4xf32>, tensor<8xf32>
  %y = lm.add %x, %h : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @the_later_of_two_matmuls_takes_the_residual(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<4x4xbf16>, %[[D:.*]]: tensor<4x8xbf16>, %[[U:.*]]: tensor<8x4xbf16>)
// CHECK-NEXT: %[[A:.*]] = lm.matmul %[[X]], %[[W]] :
// CHECK-NEXT: %[[H:.*]] = lm.matmul %[[X]], %[[U]] :
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[H]], %[[D]] residual %[[A]] :
// CHECK-NEXT: lm.return %[[Y]]
lm.func @the_later_of_two_matmuls_takes_the_residual(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>, %d: tensor<4x8xbf16>, %u: tensor<8x4xbf16>) -> tensor<?x4xf32> {
  %a = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %h = lm.matmul %x, %u : tensor<?x4xf32>, tensor<8x4xbf16>
  %b = lm.matmul %h, %d : tensor<?x8xf32>, tensor<4x8xbf16>
  %y = lm.add %b, %a : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @residual_defined_after_the_matmul(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<4x4xbf16>)
// CHECK-NEXT: %[[R:.*]] = lm.activation relu %[[X]]
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] residual %[[R]] :
lm.func @residual_defined_after_the_matmul(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %r = lm.activation relu %x : tensor<?x4xf32>
  %y = lm.add %r, %h : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// Boundary: the later matmul is taken, so the earlier one takes the residual.
// CHECK-LABEL: lm.func @the_earlier_matmul_is_second_choice(
// CHECK: %[[B:.*]] = lm.matmul
// CHECK: lm.matmul %{{.*}}, %{{.*}} residual %[[B]]
// CHECK-NOT: lm.add
lm.func @the_earlier_matmul_is_second_choice(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %a = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %b = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %y = lm.add %a, %b : tensor<?x4xf32>
  lm.return %y, %b : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @sum_of_no_matmul_stays(
// CHECK: lm.add
lm.func @sum_of_no_matmul_stays(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = lm.add %x, %x : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @second_user_blocks_fusion(
// CHECK: lm.add
lm.func @second_user_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %h = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %y = lm.add %h, %h : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @a_residual_already_there_blocks_fusion(
// CHECK: lm.add
lm.func @a_residual_already_there_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %h = lm.matmul %x, %w residual %x : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
  %y = lm.add %h, %x : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}
