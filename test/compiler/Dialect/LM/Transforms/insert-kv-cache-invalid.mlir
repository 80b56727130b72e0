// RUN: quipu-opt %s --split-input-file --verify-diagnostics --lm-insert-kv-cache

// expected-error @+1 {{expected the plain form's arguments (ids, positions: tensor<?xi32>), got}}
lm.func @other_arguments(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  lm.return %x : tensor<?x64xf32>
}

// -----

// expected-error @+1 {{expected the plain form's arguments}}
lm.func @already_in_cached_form(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  %w = lm.weight @w : tensor<96x64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  lm.return %x, %ids : tensor<?x64xf32>, tensor<?xi32>
}

// -----

lm.func @attention_that_is_not_causal(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  // expected-error @+1 {{expected causal attention in the plain form}}
  %a = lm.attention %x, %x, %x {scale = 0.25, heads = 8, kv_heads = 8} : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  lm.return %a : tensor<?x64xf32>
}
