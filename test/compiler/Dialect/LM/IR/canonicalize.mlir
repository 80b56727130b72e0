// RUN: quipu-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: lm.func @concat_of_one_weight_is_the_weight(
// CHECK-SAME: %[[W:.*]]: tensor<4x8xf32>)
// CHECK-NEXT: lm.return %[[W]]
lm.func @concat_of_one_weight_is_the_weight(%w: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c = lm.concat_rows %w : tensor<4x8xf32>
  lm.return %c : tensor<4x8xf32>
}

// CHECK-LABEL: lm.func @concat_of_concats_is_one(
// CHECK-SAME: %[[A:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<2xf32>)
// CHECK-NEXT: %[[C:.*]] = lm.concat_rows %[[A]], %[[B]], %[[A]] : tensor<4xf32>, tensor<2xf32>, tensor<4xf32>
// CHECK-NEXT: lm.return %[[C]]
lm.func @concat_of_concats_is_one(%a: tensor<4xf32>, %b: tensor<2xf32>) -> tensor<10xf32> {
  %ab = lm.concat_rows %a, %b : tensor<4xf32>, tensor<2xf32>
  %c = lm.concat_rows %ab, %a : tensor<6xf32>, tensor<4xf32>
  lm.return %c : tensor<10xf32>
}

// CHECK-LABEL: lm.func @slice_of_all_columns_is_x(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>)
// CHECK-NEXT: lm.return %[[X]]
lm.func @slice_of_all_columns_is_x(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = lm.slice_columns %x {offset = 0, size = 8} : tensor<?x8xf32>
  lm.return %y : tensor<?x8xf32>
}

// CHECK-LABEL: lm.func @slice_of_a_slice_is_one(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>)
// CHECK-NEXT: %[[Z:.*]] = lm.slice_columns %[[X]] {offset = 3, size = 2} : tensor<?x8xf32>
// CHECK-NEXT: lm.return %[[Z]]
lm.func @slice_of_a_slice_is_one(%x: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %y = lm.slice_columns %x {offset = 2, size = 6} : tensor<?x8xf32>
  %z = lm.slice_columns %y {offset = 1, size = 2} : tensor<?x6xf32>
  lm.return %z : tensor<?x2xf32>
}

// Every op is pure: what nothing reads goes, a cache that was appended to as well.
// CHECK-LABEL: lm.func @unread_results_go(
// CHECK-NEXT: lm.return
lm.func @unread_results_go(%k: tensor<?x8xf32>, %batch: !lm.batch) {
  %c = lm.kv_cache {layer = 0} : !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
  %n = lm.kv_append %c, %k, %k, %batch : !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return
}
