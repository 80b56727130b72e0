// RUN: quipu-opt %s --lm-convert-weight-storage=storage=bf16 | FileCheck %s
// RUN: quipu-opt %s --lm-convert-weight-storage=storage=f32 | FileCheck %s --check-prefix=F32
// RUN: not quipu-opt %s --lm-convert-weight-storage=storage=f16 2>&1 | FileCheck %s --check-prefix=F16

// F16: f16

// CHECK-LABEL: lm.func @matrices_get_the_storage_vectors_f32(
// CHECK: %[[T:.*]] = lm.weight @table : tensor<96x4xbf16>
// CHECK: %[[G:.*]] = lm.weight @gain : tensor<4xf32>
// CHECK: lm.embedding %{{.*}}, %[[T]] : tensor<96x4xbf16>
// CHECK: lm.rms_norm %{{.*}}, %[[G]] eps {{.*}} : tensor<?x4xf32>, tensor<4xf32>
// CHECK: %[[B:.*]] = lm.concat_rows %{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xf32>
// CHECK: %[[W:.*]] = lm.concat_rows %{{.*}}, %{{.*}} : tensor<2x4xbf16>, tensor<2x4xbf16>
// CHECK: lm.matmul %{{.*}}, %[[W]] bias %[[B]] : tensor<?x4xf32>, tensor<4x4xbf16>, tensor<4xf32>
// F32: lm.weight @table : tensor<96x4xf32>
// F32: lm.weight @gain : tensor<4xf32>
lm.func @matrices_get_the_storage_vectors_f32(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x4xf32> {
  %table = lm.weight @table : tensor<96x4xf16>
  %gain = lm.weight @gain : tensor<4xf16>
  %x = lm.embedding %ids, %table : tensor<96x4xf16>
  %n = lm.rms_norm %x, %gain eps 0.5 : tensor<?x4xf32>, tensor<4xf16>
  %w0 = lm.weight @w0 : tensor<2x4xf32>
  %w1 = lm.weight @w1 : tensor<2x4xf32>
  %b0 = lm.weight @b0 : tensor<2xbf16>
  %b1 = lm.weight @b1 : tensor<2xbf16>
  %b = lm.concat_rows %b0, %b1 : tensor<2xbf16>, tensor<2xbf16>
  %w = lm.concat_rows %w0, %w1 : tensor<2x4xf32>, tensor<2x4xf32>
  %y = lm.matmul %n, %w bias %b : tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xbf16>
  lm.return %y : tensor<?x4xf32>
}
