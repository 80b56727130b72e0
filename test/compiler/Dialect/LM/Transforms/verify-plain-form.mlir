// RUN: quipu-opt %s --split-input-file --verify-diagnostics --lm-verify-plain-form

lm.func @plain_form_passes(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xf16>
  %x = lm.embedding %ids, %w : tensor<96x64xf16>
  %a = lm.attention %x, %x, %x {causal, scale = 0.25, heads = 8, kv_heads = 8} : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  lm.return %a : tensor<?x64xf32>
}

// -----

// expected-error @+1 {{expected the plain form's arguments (ids, positions: tensor<?xi32>), got}}
lm.func @other_arguments(%ids: tensor<?xi32>, %batch: !lm.batch) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xf16>
  %x = lm.embedding %ids, %w : tensor<96x64xf16>
  lm.return %x : tensor<?x64xf32>
}

// -----

// expected-error @+1 {{expected the plain form's result (logits: tensor<?xVxf32>), got}}
lm.func @other_results(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?xi32> {
  lm.return %ids : tensor<?xi32>
}

// -----

lm.func @a_cache(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x64xf32> {
  // expected-error @+1 {{is of the cached form, which --lm-insert-kv-cache makes of the plain form}}
  %c = lm.kv_cache {layer = 0} : !lm.kv<heads = 8, dim = 8, elem = f32, layout = contiguous>
  %w = lm.weight @w : tensor<96x64xf16>
  %x = lm.embedding %ids, %w : tensor<96x64xf16>
  lm.return %x : tensor<?x64xf32>
}

// -----

lm.func @attention_that_is_not_causal(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xf16>
  %x = lm.embedding %ids, %w : tensor<96x64xf16>
  // expected-error @+1 {{expected causal attention in the plain form}}
  %a = lm.attention %x, %x, %x {scale = 0.25, heads = 8, kv_heads = 8} : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  lm.return %a : tensor<?x64xf32>
}
