// RUN: quipu-opt %s | quipu-opt | FileCheck %s
// RUN: quipu-opt %s --mlir-print-op-generic | quipu-opt | FileCheck %s

// CHECK-LABEL: lm.func @experts(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[L:[a-z0-9]+]]: tensor<?x8xf32>)
lm.func @experts(%x: tensor<?x64xf32>, %logits: tensor<?x8xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[G:.*]] = lm.weight_stack @"experts.*.gate_proj.weight" : tensor<8x32x64xbf16>
  %g = lm.weight_stack @"experts.*.gate_proj.weight" : tensor<8x32x64xbf16>
  // CHECK: %[[U:.*]] = lm.weight_stack @experts.up_proj.weight : tensor<8x32x64xbf16>
  %u = lm.weight_stack @experts.up_proj.weight : tensor<8x32x64xbf16>
  // CHECK: %[[D:.*]] = lm.weight_stack @"experts.*.down_proj.weight" : tensor<8x64x32x!lm.q8_0>
  %d = lm.weight_stack @"experts.*.down_proj.weight" : tensor<8x64x32x!lm.q8_0>
  // CHECK: %[[W:.*]] = lm.concat_rows %[[G]], %[[U]] : tensor<8x32x64xbf16>, tensor<8x32x64xbf16>
  %w = lm.concat_rows %g, %u : tensor<8x32x64xbf16>, tensor<8x32x64xbf16>
  // CHECK: %[[IDS:.*]], %[[WEIGHTS:.*]] = lm.route softmax %[[L]] choose 2 normalize : tensor<?x8xf32>
  %ids, %weights = lm.route softmax %logits choose 2 normalize : tensor<?x8xf32>
  // CHECK: %[[H:.*]] = lm.expert_matmul %[[X]], %[[W]], %[[IDS]] activation silu gated : tensor<?x64xf32>, tensor<8x64x64xbf16>, tensor<?x2xi32>
  %h = lm.expert_matmul %x, %w, %ids activation silu gated : tensor<?x64xf32>, tensor<8x64x64xbf16>, tensor<?x2xi32>
  // CHECK: %[[P:.*]] = lm.expert_matmul %[[H]], %[[D]], %[[IDS]] : tensor<?x64xf32>, tensor<8x64x32x!lm.q8_0>, tensor<?x2xi32>
  %p = lm.expert_matmul %h, %d, %ids : tensor<?x64xf32>, tensor<8x64x32x!lm.q8_0>, tensor<?x2xi32>
  // CHECK: lm.slice_columns %[[P]] {offset = 64, size = 64} : tensor<?x128xf32>
  %q = lm.slice_columns %p {offset = 64, size = 64} : tensor<?x128xf32>
  // CHECK: lm.expert_matmul %[[H]], %[[D]], %[[IDS]] combine %[[WEIGHTS]] residual %[[X]] : tensor<?x64xf32>, tensor<8x64x32x!lm.q8_0>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x64xf32>
  %y = lm.expert_matmul %h, %d, %ids combine %weights residual %x : tensor<?x64xf32>, tensor<8x64x32x!lm.q8_0>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x64xf32>
  %z = lm.add %y, %q : tensor<?x64xf32>
  lm.return %z : tensor<?x64xf32>
}

// CHECK-LABEL: lm.func @grouped_route(
lm.func @grouped_route(%logits: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<?x3xf32> {
  // CHECK: lm.route sigmoid %{{.*}} bias %{{.*}} choose 3 normalize scale 2.500000e+00 groups 4 keep 2 : tensor<?x8xf32>, tensor<8xf32>
  %ids, %weights = lm.route sigmoid %logits bias %b choose 3 normalize scale 2.5 groups 4 keep 2 : tensor<?x8xf32>, tensor<8xf32>
  lm.return %weights : tensor<?x3xf32>
}
