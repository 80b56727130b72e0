// RUN: quipu-opt %s --lm-fuse-norm-matmul | FileCheck %s

// CHECK-LABEL: lm.func @norm_moves_into_the_matmul(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[G:.*]]: tensor<4xbf16>, %[[W:.*]]: tensor<8x4xbf16>)
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] norm %[[G]] eps 1.000000e-05 : tensor<?x4xf32>, tensor<8x4xbf16>, tensor<4xbf16>
// CHECK-NEXT: lm.return %[[Y]]
lm.func @norm_moves_into_the_matmul(%x: tensor<?x4xf32>, %g: tensor<4xbf16>, %w: tensor<8x4xbf16>) -> tensor<?x8xf32> {
  %n = lm.rms_norm %x, %g eps 1.0e-5 : tensor<?x4xf32>, tensor<4xbf16>
  %y = lm.matmul %n, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @the_epilogue_stays(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[G:.*]]: tensor<4xf32>, %[[W:.*]]: tensor<8x4xbf16>, %[[B:.*]]: tensor<8xf32>)
// CHECK-NEXT: lm.matmul %[[X]], %[[W]] norm %[[G]] eps 1.000000e-05 bias %[[B]] activation silu gated residual %[[X]] :
lm.func @the_epilogue_stays(%x: tensor<?x4xf32>, %g: tensor<4xf32>, %w: tensor<8x4xbf16>, %b: tensor<8xf32>) -> tensor<?x4xf32> {
  %n = lm.rms_norm %x, %g eps 1.0e-5 : tensor<?x4xf32>, tensor<4xf32>
  %y = lm.matmul %n, %w bias %b activation silu gated residual %x : tensor<?x4xf32>, tensor<8x4xbf16>, tensor<8xf32>, tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// Boundary: of two norms in a row the last is fused.
// CHECK-LABEL: lm.func @only_one_norm_fits(
// CHECK: %[[N:.*]] = lm.rms_norm
// CHECK: lm.matmul %[[N]], %{{.*}} norm %{{.*}} eps 2.500000e-01
lm.func @only_one_norm_fits(%x: tensor<?x4xf32>, %g: tensor<4xf32>, %w: tensor<8x4xbf16>) -> tensor<?x8xf32> {
  %n = lm.rms_norm %x, %g eps 0.5 : tensor<?x4xf32>, tensor<4xf32>
  %m = lm.rms_norm %n, %g eps 0.25 : tensor<?x4xf32>, tensor<4xf32>
  %y = lm.matmul %m, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @matmul_of_no_norm_stays(
// CHECK-NOT: norm %
lm.func @matmul_of_no_norm_stays(%x: tensor<?x4xf32>, %w: tensor<8x4xbf16>) -> tensor<?x8xf32> {
  %y = lm.matmul %x, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  lm.return %y : tensor<?x8xf32>
}

// Projections whose weights have different formats are not joined.
// CHECK-LABEL: lm.func @each_matmul_takes_the_norm_they_share(
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[G:.*]]: tensor<32xf32>,
// CHECK-NEXT: lm.matmul %[[X]], %{{.*}} norm %[[G]] eps 5.000000e-01 : tensor<?x32xf32>, tensor<8x32x!lm.q4_0>
// CHECK-NEXT: lm.matmul %[[X]], %{{.*}} norm %[[G]] eps 5.000000e-01 : tensor<?x32xf32>, tensor<4x32x!lm.q8_0>
// CHECK-NEXT: lm.return
lm.func @each_matmul_takes_the_norm_they_share(%x: tensor<?x32xf32>, %g: tensor<32xf32>, %w: tensor<8x32x!lm.q4_0>, %v: tensor<4x32x!lm.q8_0>) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  %n = lm.rms_norm %x, %g eps 0.5 : tensor<?x32xf32>, tensor<32xf32>
  %y = lm.matmul %n, %w : tensor<?x32xf32>, tensor<8x32x!lm.q4_0>
  %z = lm.matmul %n, %v : tensor<?x32xf32>, tensor<4x32x!lm.q8_0>
  lm.return %y, %z : tensor<?x8xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @reader_with_a_norm_of_its_own_blocks_fusion(
// CHECK: %[[N:.*]] = lm.rms_norm
// CHECK-NEXT: lm.matmul %[[N]], %{{[^ ]*}} : tensor
// CHECK-NEXT: lm.matmul %[[N]], %{{[^ ]*}} norm
lm.func @reader_with_a_norm_of_its_own_blocks_fusion(%x: tensor<?x4xf32>, %g: tensor<4xf32>, %w: tensor<8x4xbf16>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %n = lm.rms_norm %x, %g eps 0.5 : tensor<?x4xf32>, tensor<4xf32>
  %y = lm.matmul %n, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  %z = lm.matmul %n, %w norm %g eps 0.25 : tensor<?x4xf32>, tensor<8x4xbf16>, tensor<4xf32>
  lm.return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @second_user_blocks_fusion(
// CHECK: lm.rms_norm
lm.func @second_user_blocks_fusion(%x: tensor<?x4xf32>, %g: tensor<4xf32>, %w: tensor<8x4xbf16>) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  %n = lm.rms_norm %x, %g eps 0.5 : tensor<?x4xf32>, tensor<4xf32>
  %y = lm.matmul %n, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  lm.return %y, %n : tensor<?x8xf32>, tensor<?x4xf32>
}

// A norm that is the residual of its reader as well has two users.
// CHECK-LABEL: lm.func @norm_as_x_and_residual_stays(
// CHECK: lm.rms_norm
lm.func @norm_as_x_and_residual_stays(%x: tensor<?x4xf32>, %g: tensor<4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %n = lm.rms_norm %x, %g eps 0.5 : tensor<?x4xf32>, tensor<4xf32>
  %y = lm.matmul %n, %w residual %n : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
  lm.return %y : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @layer_norm_moves_with_its_bias(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[G:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>, %[[W:.*]]: tensor<8x4xbf16>)
// CHECK-NEXT: lm.matmul %[[X]], %[[W]] norm %[[G]] eps 5.000000e-01 centred shift %[[B]] :
lm.func @layer_norm_moves_with_its_bias(%x: tensor<?x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>, %w: tensor<8x4xbf16>) -> tensor<?x8xf32> {
  %n = lm.layer_norm %x, %g bias %b eps 0.5 : tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>
  %y = lm.matmul %n, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @norms_of_groups_without_gain_and_with_residual_stay(
// CHECK: lm.rms_norm
// CHECK: lm.rms_norm
// CHECK: lm.rms_norm
lm.func @norms_of_groups_without_gain_and_with_residual_stay(%x: tensor<?x4xf32>, %g: tensor<4xf32>, %w: tensor<8x4xbf16>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %n = lm.rms_norm %x, %g eps 0.5 groups 2 : tensor<?x4xf32>, tensor<4xf32>
  %a = lm.matmul %n, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  %m = lm.rms_norm %x eps 0.5 : tensor<?x4xf32>
  %b = lm.matmul %m, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  %l = lm.rms_norm %x, %g eps 0.5 residual %x : tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>
  %c = lm.matmul %l, %w : tensor<?x4xf32>, tensor<8x4xbf16>
  lm.return %a, %b, %c : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
