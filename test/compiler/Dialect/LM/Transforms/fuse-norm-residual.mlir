// RUN: quipu-opt %s --lm-fuse-norm-residual | FileCheck %s

// CHECK-LABEL: lm.func @residual_on_either_side(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[Y:.*]]: tensor<?x4xf32>, %[[G:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[A:.*]] = lm.rms_norm %[[Y]], %[[G]] eps 5.000000e-01 residual %[[X]] :
// CHECK-NEXT: %[[B:.*]] = lm.layer_norm %[[A]], %[[G]] bias %[[G]] eps 2.500000e-01 residual %[[A]] :
// CHECK-NEXT: lm.return %[[B]]
lm.func @residual_on_either_side(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %g: tensor<4xf32>) -> tensor<?x4xf32> {
  %n = lm.rms_norm %y, %g eps 0.5 : tensor<?x4xf32>, tensor<4xf32>
  %a = lm.add %x, %n : tensor<?x4xf32>
  %m = lm.layer_norm %a, %g bias %g eps 0.25 : tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>
  %b = lm.add %m, %a : tensor<?x4xf32>
  lm.return %b : tensor<?x4xf32>
}

// Boundary: a norm takes one residual.
// CHECK-LABEL: lm.func @second_residual_stays(
// CHECK: lm.rms_norm %{{.*}} residual
// CHECK-NEXT: lm.add
lm.func @second_residual_stays(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %g: tensor<4xf32>) -> tensor<?x4xf32> {
  %n = lm.rms_norm %y, %g eps 0.5 residual %x : tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>
  %a = lm.add %x, %n : tensor<?x4xf32>
  lm.return %a : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @second_user_blocks_fusion(
// CHECK: lm.add
lm.func @second_user_blocks_fusion(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %g: tensor<4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %n = lm.rms_norm %y, %g eps 0.5 : tensor<?x4xf32>, tensor<4xf32>
  %a = lm.add %x, %n : tensor<?x4xf32>
  lm.return %a, %n : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @add_of_no_norm_stays(
// CHECK: lm.add
lm.func @add_of_no_norm_stays(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %a = lm.add %x, %y : tensor<?x4xf32>
  lm.return %a : tensor<?x4xf32>
}
