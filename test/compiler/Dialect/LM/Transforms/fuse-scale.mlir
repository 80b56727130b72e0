// RUN: quipu-opt %s --lm-fuse-scale | FileCheck %s

// CHECK-LABEL: lm.func @scale_and_cap_go_into_the_matmul(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<4x4xbf16>)
// CHECK-NEXT: %[[Y:.*]] = lm.matmul %[[X]], %[[W]] scale 2.500000e-01 softcap 3.000000e+01 :
// CHECK-NEXT: lm.return %[[Y]]
lm.func @scale_and_cap_go_into_the_matmul(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %y = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %s = lm.scale %y {factor = 0.25} : tensor<?x4xf32>
  %z = lm.softcap %s {cap = 30.0} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @scale_goes_into_the_embedding(
// CHECK-SAME: %[[IDS:.*]]: tensor<?xi32>, %[[W:.*]]: tensor<4x4xbf16>)
// CHECK-NEXT: %[[Y:.*]] = lm.embedding %[[IDS]], %[[W]] scale 2.000000e+00 :
// CHECK-NEXT: lm.return %[[Y]]
lm.func @scale_goes_into_the_embedding(%ids: tensor<?xi32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %y = lm.embedding %ids, %w : tensor<4x4xbf16>
  %z = lm.scale %y {factor = 2.0} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// Boundary: of two scales the first is fused.
// CHECK-LABEL: lm.func @one_scale_fits(
// CHECK-NEXT: lm.matmul %{{.*}} scale 5.000000e-01 :
// CHECK-NEXT: lm.scale %{{.*}} {factor = 2.500000e-01}
lm.func @one_scale_fits(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %y = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %s = lm.scale %y {factor = 0.5} : tensor<?x4xf32>
  %z = lm.scale %s {factor = 0.25} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @scale_after_a_cap_stays(
// CHECK-NEXT: lm.matmul %{{.*}} softcap 3.000000e+01 :
// CHECK-NEXT: lm.scale
lm.func @scale_after_a_cap_stays(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %y = lm.matmul %x, %w softcap 30.0 : tensor<?x4xf32>, tensor<4x4xbf16>
  %z = lm.scale %y {factor = 0.25} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @residual_blocks_fusion(
// CHECK-NEXT: lm.matmul %{{.*}} residual
// CHECK-NEXT: lm.scale
lm.func @residual_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> tensor<?x4xf32> {
  %y = lm.matmul %x, %w residual %x : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<?x4xf32>
  %z = lm.scale %y {factor = 0.25} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @second_user_blocks_fusion(
// CHECK: lm.scale
lm.func @second_user_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<4x4xbf16>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %y = lm.matmul %x, %w : tensor<?x4xf32>, tensor<4x4xbf16>
  %z = lm.scale %y {factor = 0.25} : tensor<?x4xf32>
  lm.return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @scale_of_neither_stays(
// CHECK: lm.scale
// CHECK: lm.softcap
lm.func @scale_of_neither_stays(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = lm.scale %x {factor = 0.25} : tensor<?x4xf32>
  %z = lm.softcap %y {cap = 30.0} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @embedding_with_two_users_stays(
// CHECK: lm.scale
lm.func @embedding_with_two_users_stays(%ids: tensor<?xi32>, %w: tensor<4x4xbf16>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %y = lm.embedding %ids, %w : tensor<4x4xbf16>
  %z = lm.scale %y {factor = 2.0} : tensor<?x4xf32>
  lm.return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @scale_goes_into_the_weights_of_experts(
// CHECK: lm.route softmax %{{.*}} choose 2 scale 1.000000e+00 :
// CHECK-NEXT: %[[Y:.*]] = lm.expert_matmul
// CHECK-NEXT: lm.return %[[Y]]
lm.func @scale_goes_into_the_weights_of_experts(%x: tensor<?x4xf32>, %w: tensor<3x4x4xbf16>, %l: tensor<?x3xf32>) -> tensor<?x4xf32> {
  %ids, %weights = lm.route softmax %l choose 2 scale 2.0 : tensor<?x3xf32>
  %y = lm.expert_matmul %x, %w, %ids combine %weights : tensor<?x4xf32>, tensor<3x4x4xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  %z = lm.scale %y {factor = 0.5} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}

// CHECK-LABEL: lm.func @second_reader_of_the_weights_blocks_fusion(
// CHECK: lm.scale
lm.func @second_reader_of_the_weights_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<3x4x4xbf16>, %l: tensor<?x3xf32>) -> (tensor<?x4xf32>, tensor<?x2xf32>) {
  %ids, %weights = lm.route softmax %l choose 2 : tensor<?x3xf32>
  %y = lm.expert_matmul %x, %w, %ids combine %weights : tensor<?x4xf32>, tensor<3x4x4xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  %z = lm.scale %y {factor = 0.5} : tensor<?x4xf32>
  lm.return %z, %weights : tensor<?x4xf32>, tensor<?x2xf32>
}

// CHECK-LABEL: lm.func @residual_of_experts_blocks_fusion(
// CHECK: lm.scale
lm.func @residual_of_experts_blocks_fusion(%x: tensor<?x4xf32>, %w: tensor<3x4x4xbf16>, %l: tensor<?x3xf32>) -> tensor<?x4xf32> {
  %ids, %weights = lm.route softmax %l choose 2 : tensor<?x3xf32>
  %y = lm.expert_matmul %x, %w, %ids combine %weights residual %x : tensor<?x4xf32>, tensor<3x4x4xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x4xf32>
  %z = lm.scale %y {factor = 0.5} : tensor<?x4xf32>
  lm.return %z : tensor<?x4xf32>
}
