// RUN: quipu-opt %s --split-input-file --lm-insert-kv-cache=elem=bf16 | FileCheck %s
// RUN: quipu-opt %s --split-input-file --lm-insert-kv-cache | FileCheck %s --check-prefix=F32

// CHECK-LABEL: lm.func @each_attention_gets_the_cache_of_its_layer(
// CHECK-SAME: %[[IDS:ids]]: tensor<?xi32>, %[[POS:pos]]: tensor<?xi32>, %[[ROWS:rows]]: tensor<?xi32>, %[[BATCH:batch]]: !lm.batch, %[[SAMPLING:sampling]]: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>)
// CHECK: %[[X:.*]] = lm.embedding
// CHECK: %[[K:.*]] = lm.slice_columns %[[X]] {offset = 0, size = 32}
// CHECK: %[[V:.*]] = lm.slice_columns %[[X]] {offset = 32, size = 32}
// CHECK: %[[C0:.*]] = lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
// CHECK: %[[N0:.*]] = lm.kv_append %[[C0]], %[[K]], %[[V]], %[[BATCH]]
// CHECK: %[[A0:.*]] = lm.cached_attention %[[X]], %[[N0]], %[[BATCH]] {scale = 2.500000e-01, heads = 8} :
// CHECK: %[[C1:.*]] = lm.kv_cache {layer = 1} : !lm.kv<heads = 4, dim = 8, elem = bf16, layout = contiguous>
// CHECK: %[[N1:.*]] = lm.kv_append %[[C1]], %[[K]], %[[V]], %[[BATCH]]
// CHECK: %[[A1:.*]] = lm.cached_attention %[[A0]], %[[N1]], %[[BATCH]] {scale = 2.500000e-01, heads = 8, window = 16} :
// CHECK: %[[S:.*]] = lm.select_rows %[[A1]], %[[ROWS]]
// CHECK: %[[T:.*]] = lm.sample %[[S]], %[[SAMPLING]]
// CHECK: lm.return %[[S]], %[[T]] : tensor<?x64xf32>, tensor<?xi32>
// F32: lm.kv_cache {layer = 0} : !lm.kv<heads = 4, dim = 8, elem = f32, layout = contiguous>
lm.func @each_attention_gets_the_cache_of_its_layer(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  %k = lm.slice_columns %x {offset = 0, size = 32} : tensor<?x64xf32>
  %v = lm.slice_columns %x {offset = 32, size = 32} : tensor<?x64xf32>
  %a = lm.attention %x, %k, %v {causal, scale = 0.25, heads = 8, kv_heads = 4} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  %b = lm.attention %a, %k, %v {causal, scale = 0.25, heads = 8, kv_heads = 4, window = 16} : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  lm.return %b : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: lm.func @rows_are_selected_before_the_final_norm(
// CHECK: %[[X:.*]] = lm.embedding
// CHECK: %[[S:.*]] = lm.select_rows %[[X]], %rows : tensor<?x64xf32>
// CHECK: %[[N:.*]] = lm.rms_norm %[[S]]
// CHECK: %[[L:.*]] = lm.matmul %[[N]]
// CHECK: %[[T:.*]] = lm.sample %[[L]], %sampling
// CHECK: lm.return %[[L]], %[[T]]
lm.func @rows_are_selected_before_the_final_norm(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
  %w = lm.weight @w : tensor<96x64xf32>
  %g = lm.weight @g : tensor<64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  %n = lm.rms_norm %x, %g eps 0.5 : tensor<?x64xf32>, tensor<64xf32>
  %logits = lm.matmul %n, %w : tensor<?x64xf32>, tensor<96x64xf32>
  lm.return %logits : tensor<?x96xf32>
}

// -----

// CHECK-LABEL: lm.func @rows_are_selected_before_a_fused_norm(
// CHECK: %[[X:.*]] = lm.embedding
// CHECK: %[[S:.*]] = lm.select_rows %[[X]], %rows : tensor<?x64xf32>
// CHECK: lm.matmul %[[S]], %{{.*}} norm
lm.func @rows_are_selected_before_a_fused_norm(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
  %w = lm.weight @w : tensor<96x64xf32>
  %g = lm.weight @g : tensor<64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  %logits = lm.matmul %x, %w norm %g eps 0.5 : tensor<?x64xf32>, tensor<96x64xf32>, tensor<64xf32>
  lm.return %logits : tensor<?x96xf32>
}

// -----

// Rows of both operands would have to be selected.
// CHECK-LABEL: lm.func @two_row_operands_stop_the_selection(
// CHECK: %[[Y:.*]] = lm.add
// CHECK: lm.select_rows %[[Y]]
lm.func @two_row_operands_stop_the_selection(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  %y = lm.add %x, %x : tensor<?x64xf32>
  lm.return %y : tensor<?x64xf32>
}

// -----

// CHECK-LABEL: lm.func @second_user_stops_the_selection(
// CHECK: %[[N:.*]] = lm.activation
// CHECK: %[[S:.*]] = lm.select_rows %[[N]]
// CHECK: lm.matmul %[[S]]
lm.func @second_user_stops_the_selection(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
  %w = lm.weight @w : tensor<96x64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  %n = lm.activation relu %x : tensor<?x64xf32>
  %unread = lm.activation relu %n : tensor<?x64xf32>
  %logits = lm.matmul %n, %w : tensor<?x64xf32>, tensor<96x64xf32>
  lm.return %logits : tensor<?x96xf32>
}
