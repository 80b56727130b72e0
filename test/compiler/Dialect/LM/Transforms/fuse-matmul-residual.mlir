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

// CHECK-LABEL: lm.func @sum_of_experts_takes_the_residual(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK-NEXT: %[[Y:.*]] = lm.expert_matmul %[[X]], %{{.*}}, %{{.*}} combine %{{.*}} residual %[[X]] :
// CHECK-NEXT: lm.return %[[Y]]
lm.func @sum_of_experts_takes_the_residual(%x: tensor<?x4xf32>, %w: tensor<3x4x4xbf16>, %ids: tensor<?x2xi32>, %c: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %h = lm.expert_matmul %x, %w, %ids combine %c : tensor<?x4xf32>, tensor<3x4x4xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  %y = lm.add %x, %h : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @products_of_experts_take_no_residual(
// CHECK: lm.add
lm.func @products_of_experts_take_no_residual(%x: tensor<?x4xf32>, %w: tensor<3x4x4xbf16>, %ids: tensor<?x1xi32>) -> tensor<?x4xf32> {
  %h = lm.expert_matmul %x, %w, %ids : tensor<?x4xf32>, tensor<3x4x4xbf16>, tensor<?x1xi32>
  %y = lm.add %x, %h : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// The first of two matmuls takes what is added to both: experts, then those that all tokens share.
// CHECK-LABEL: lm.func @three_addends(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x4xf32>, %[[W:[a-z0-9]+]]: tensor<3x4x4xbf16>, %[[S:[a-z0-9]+]]: tensor<4x4xbf16>
// CHECK-NEXT: %[[E:.*]] = lm.expert_matmul %[[X]], %[[W]], %{{.*}} combine %{{.*}} residual %[[X]] :
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[S]] residual %[[E]] :
// CHECK-NEXT: lm.return %[[Y]]
lm.func @three_addends(%x: tensor<?x4xf32>, %w: tensor<3x4x4xbf16>, %s: tensor<4x4xbf16>, %ids: tensor<?x2xi32>, %c: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %e = lm.expert_matmul %x, %w, %ids combine %c : tensor<?x4xf32>, tensor<3x4x4xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  %m = lm.matmul %x, %s : tensor<?x4xf32>, tensor<4x4xbf16>
  %a = lm.add %e, %m : tensor<?x4xf32>
  %y = lm.add %x, %a : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @third_addend_that_comes_later_stays(
// CHECK: lm.add
lm.func @third_addend_that_comes_later_stays(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %a = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %b = lm.matmul %x, %w residual %a : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
  %r = lm.activation relu %b : tensor<?x4xf32>
  %c = lm.matmul %r, %w residual %a : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
  %y = lm.add %c, %b : tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}
