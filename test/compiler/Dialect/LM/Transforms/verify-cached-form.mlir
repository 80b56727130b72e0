// RUN: quipu-opt %s --split-input-file --verify-diagnostics --lm-verify-cached-form

!kv = !lm.kv<heads = 8, dim = 8, elem = f32, layout = paged<16>>
lm.func @cached_form_passes(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %x, %x, %batch : !kv, tensor<?x64xf32>, tensor<?x64xf32>
  %a = lm.cached_attention %x, %n, %batch {scale = 0.25, heads = 8} : tensor<?x64xf32>, !kv
  lm.return %a, %rows : tensor<?x64xf32>, tensor<?xi32>
}

// -----

// expected-error @+1 {{expected the cached form's arguments (ids, positions, rows: tensor<?xi32>, batch: !lm.batch, sampling: !lm.sampling), got '(tensor<?xi32>, tensor<?xi32>) -> tensor<?x64xf32>': run --lm-insert-kv-cache first}}
lm.func @plain_arguments(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  lm.return %x : tensor<?x64xf32>
}

// -----

// expected-error @+1 {{expected the cached form's results (logits: tensor<?xVxf32>, sampled: tensor<?xi32>), got}}
lm.func @plain_results(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> tensor<?x64xf32> {
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  lm.return %x : tensor<?x64xf32>
}

// -----

lm.func @plain_attention(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  // expected-error @+1 {{is of the plain form: run --lm-insert-kv-cache first}}
  %a = lm.attention %x, %x, %x {causal, scale = 0.25, heads = 8, kv_heads = 8} : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  lm.return %a, %rows : tensor<?x64xf32>, tensor<?xi32>
}

// -----

!kv = !lm.kv<heads = 8, dim = 8, elem = f32, layout = paged<16>>
lm.func @two_caches_of_one_layer(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  // expected-note @+1 {{the first is here}}
  %c = lm.kv_cache {layer = 3} : !kv
  // expected-error @+1 {{expected one cache a layer, got a second of layer 3: --lm-insert-kv-cache gives each layer its own}}
  %d = lm.kv_cache {layer = 3} : !kv
  %a = lm.cached_attention %x, %c, %batch {scale = 0.25, heads = 8} : tensor<?x64xf32>, !kv
  %b = lm.cached_attention %a, %d, %batch {scale = 0.25, heads = 8} : tensor<?x64xf32>, !kv
  lm.return %b, %rows : tensor<?x64xf32>, tensor<?xi32>
}

// -----

!kv = !lm.kv<heads = 8, dim = 8, elem = f32, layout = contiguous>
lm.func @cache_without_pages(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  // expected-error @+1 {{expected a paged cache: run --lm-page-kv-cache first}}
  %c = lm.kv_cache {layer = 0} : !kv
  %a = lm.cached_attention %x, %c, %batch {scale = 0.25, heads = 8} : tensor<?x64xf32>, !kv
  lm.return %a, %rows : tensor<?x64xf32>, tensor<?xi32>
}

// -----

!kv = !lm.kv<heads = 8, dim = 8, elem = f32, layout = paged<16>>
lm.func @cache_read_beside_its_append(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  %c = lm.kv_cache {layer = 0} : !kv
  // expected-error @+1 {{expected no other reader of the cache it appends to, for the append happens in place: --lm-insert-kv-cache reads the appended cache only}}
  %n = lm.kv_append %c, %x, %x, %batch : !kv, tensor<?x64xf32>, tensor<?x64xf32>
  %a = lm.cached_attention %x, %n, %batch {scale = 0.25, heads = 8} : tensor<?x64xf32>, !kv
  %b = lm.cached_attention %a, %c, %batch {scale = 0.25, heads = 8} : tensor<?x64xf32>, !kv
  lm.return %b, %rows : tensor<?x64xf32>, tensor<?xi32>
}

// -----

lm.func @weight_that_nothing_reads(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  // expected-error @+1 {{expected a reader of every weight: run --lm-remove-dead-weights first}}
  %unread = lm.weight @unread : tensor<96x64xbf16>
  %w = lm.weight @w : tensor<96x64xbf16>
  %x = lm.embedding %ids, %w : tensor<96x64xbf16>
  lm.return %x, %rows : tensor<?x64xf32>, tensor<?xi32>
}

// -----

lm.func @gain_of_bf16(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x64xf32>, tensor<?xi32>) {
  %w = lm.weight @w : tensor<96x64xf32>
  %x = lm.embedding %ids, %w : tensor<96x64xf32>
  // expected-error @+1 {{expected a vector of f32, got 'bf16': run --lm-quantize-weights first}}
  %g = lm.weight @g : tensor<64xbf16>
  %n = lm.rms_norm %x, %g eps 0.5 : tensor<?x64xf32>, tensor<64xbf16>
  lm.return %n, %rows : tensor<?x64xf32>, tensor<?xi32>
}
