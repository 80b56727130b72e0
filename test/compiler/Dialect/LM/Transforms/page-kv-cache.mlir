// RUN: quipu-opt %s --lm-page-kv-cache | FileCheck %s
// RUN: quipu-opt %s --lm-page-kv-cache=page-size=32 | FileCheck %s --check-prefix=BY32
// RUN: not quipu-opt %s --lm-page-kv-cache=page-size=0 2>&1 | FileCheck %s --check-prefix=BY0

!kv = !lm.kv<heads = 2, dim = 4, elem = bf16, layout = contiguous>
!rest = !lm.kv<heads = 2, dim = 4, elem = bf16, layout = paged<8>>

// BY0: error: expected page-size >= 1, got 0

// CHECK-LABEL: lm.func @every_value_of_a_cache_changes_its_layout(
// CHECK: %[[C:.*]] = lm.kv_cache {layer = 0} : !lm.kv<heads = 2, dim = 4, elem = bf16, layout = paged<16>>
// CHECK: %[[N:.*]] = lm.kv_append %[[C]], {{.*}} : !lm.kv<heads = 2, dim = 4, elem = bf16, layout = paged<16>>
// CHECK: lm.cached_attention %{{.*}}, %[[N]], {{.*}}, !lm.kv<heads = 2, dim = 4, elem = bf16, layout = paged<16>>
// BY32: lm.kv_cache {layer = 0} : !lm.kv<heads = 2, dim = 4, elem = bf16, layout = paged<32>>
lm.func @every_value_of_a_cache_changes_its_layout(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %c = lm.kv_cache {layer = 0} : !kv
  %n = lm.kv_append %c, %k, %k, %batch : !kv, tensor<?x8xf32>, tensor<?x8xf32>
  %a = lm.cached_attention %q, %n, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !kv
  lm.return %a : tensor<?x16xf32>
}

// CHECK-LABEL: lm.func @a_paged_cache_keeps_its_pages(
// CHECK: lm.kv_cache {layer = 0} : !lm.kv<heads = 2, dim = 4, elem = bf16, layout = paged<8>>
lm.func @a_paged_cache_keeps_its_pages(%q: tensor<?x16xf32>, %batch: !lm.batch) -> tensor<?x16xf32> {
  %c = lm.kv_cache {layer = 0} : !rest
  %a = lm.cached_attention %q, %c, %batch {scale = 0.5, heads = 4} : tensor<?x16xf32>, !rest
  lm.return %a : tensor<?x16xf32>
}
