// RUN: quipu-opt %s --convert-lm-to-kernel="targets=cpu:x86-64-v3" --split-input-file --verify-diagnostics
// RUN: not quipu-opt %s --convert-lm-to-kernel="targets=gpu:x" --split-input-file 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: no kernels for target 'gpu:x': there is no such device; expected cpu or BACKEND:CHIP

// expected-error @below {{expected the cached form (ids, pos, rows, batch, sampling); insert-kv-cache makes it}}
lm.func @plain_form_is_refused(%ids: tensor<?xi32>, %pos: tensor<?xi32>) -> tensor<?x96xf32> {
  %table = lm.weight @t : tensor<96x96xf32>
  %x = lm.embedding %ids, %table : tensor<96x96xf32>
  lm.return %x : tensor<?x96xf32>
}

// -----

lm.func @contiguous_cache_is_refused(%ids: tensor<?xi32>, %pos: tensor<?xi32>, %rows: tensor<?xi32>, %batch: !lm.batch, %sampling: !lm.sampling) -> (tensor<?x96xf32>, tensor<?xi32>) {
  // expected-error @below {{expected a paged cache; page-kv-cache makes it}}
  %cache = lm.kv_cache {layer = 0} : !lm.kv<heads = 2, dim = 48, elem = f32, layout = contiguous>
  %table = lm.weight @t : tensor<96x96xf32>
  %x = lm.embedding %ids, %table : tensor<96x96xf32>
  %next = lm.kv_append %cache, %x, %x, %batch : !lm.kv<heads = 2, dim = 48, elem = f32, layout = contiguous>, tensor<?x96xf32>, tensor<?x96xf32>
  %token = lm.sample %x, %sampling : tensor<?x96xf32>
  lm.return %x, %token : tensor<?x96xf32>, tensor<?xi32>
}
