// RUN: quipu-opt %s --split-input-file --verify-diagnostics
// One case for each numbered constraint of attention and cache ops.

#rope = #lm.rope<dim = 4, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.5]>
lm.func @rope_c1_whole_heads(%x: tensor<?x6xf32>, %pos: tensor<?xi32>) {
  // expected-error @+1 {{expected features of x to be a multiple of 4 (dim of the rope), got 6}}
  %y = lm.rope %x, %pos, #rope : tensor<?x6xf32>
  lm.return
}

// -----

lm.func @attention_c1_heads(%q: tensor<?x12xf32>, %k: tensor<?x8xf32>) {
  // expected-error @+1 {{expected heads to be a multiple of kv_heads, both of 1 to 65536, got 3 and 2}}
  %a = lm.attention %q, %k, %k {causal, scale = 0.5, heads = 3, kv_heads = 2} : tensor<?x12xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @attention_c2_features_of_q(%q: tensor<?x15xf32>, %k: tensor<?x8xf32>) {
  // expected-error @+1 {{expected features of q to be a multiple of 4 (heads), got 15}}
  %a = lm.attention %q, %k, %k {causal, scale = 0.5, heads = 4, kv_heads = 2} : tensor<?x15xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @attention_c3_features_of_v(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>, %v: tensor<?x16xf32>) {
  // expected-error @+1 {{expected v of 8 features (kv_heads * dim), got 16}}
  %a = lm.attention %q, %k, %v {causal, scale = 0.5, heads = 4, kv_heads = 2} : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x16xf32>
  lm.return
}

// -----

lm.func @attention_c4_scale(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>) {
  // expected-error @+1 {{expected scale that is finite and > 0, got 0.000000e+00}}
  %a = lm.attention %q, %k, %k {causal, scale = 0.0, heads = 4, kv_heads = 2} : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @attention_c5_window(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>) {
  // expected-error @+1 {{expected window >= 1, got 0}}
  %a = lm.attention %q, %k, %k {causal, scale = 0.5, heads = 4, kv_heads = 2, window = 0} : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @attention_c5_window_needs_causal(%q: tensor<?x16xf32>, %k: tensor<?x8xf32>) {
  // expected-error @+1 {{expected causal with window}}
  %a = lm.attention %q, %k, %k {scale = 0.5, heads = 4, kv_heads = 2, window = 4} : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @kv_cache_c1_layer() {
  // expected-error @+1 {{expected layer >= 0, got -1}}
  %c = lm.kv_cache {layer = -1} : !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @kv_append_c1_features_of_k(%c: !kv, %k: tensor<?x4xf32>, %v: tensor<?x8xf32>, %batch: !lm.batch) {
  // expected-error @+1 {{expected k of 8 features (heads * dim of the cache), got 4}}
  %n = lm.kv_append %c, %k, %v, %batch : !kv, tensor<?x4xf32>, tensor<?x8xf32>
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @kv_append_c2_features_of_v(%c: !kv, %k: tensor<?x8xf32>, %v: tensor<?x4xf32>, %batch: !lm.batch) {
  // expected-error @+1 {{expected v of 8 features (heads * dim of the cache), got 4}}
  %n = lm.kv_append %c, %k, %v, %batch : !kv, tensor<?x8xf32>, tensor<?x4xf32>
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @cached_attention_c1_heads(%q: tensor<?x12xf32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected heads of 1 to 65536, a multiple of 2 (heads of the cache), got 3}}
  %a = lm.cached_attention %q, %c, %batch {scale = 0.5, heads = 3} : tensor<?x12xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @cached_attention_c2_features_of_q(%q: tensor<?x12xf32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected q of 16 features (heads * dim of the cache), got 12}}
  %a = lm.cached_attention %q, %c, %batch {scale = 0.5, heads = 4} : tensor<?x12xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @cached_attention_c3_scale(%q: tensor<?x16xf32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected scale that is finite and > 0, got -1.000000e+00}}
  %a = lm.cached_attention %q, %c, %batch {scale = -1.0, heads = 4} : tensor<?x16xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @cached_attention_c4_window(%q: tensor<?x16xf32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected window >= 1, got -3}}
  %a = lm.cached_attention %q, %c, %batch {scale = 0.5, heads = 4, window = -3} : tensor<?x16xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c1_heads(%qkv: tensor<?x28xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected heads of 1 to 65536, a multiple of 2 (heads of the cache), got 3}}
  %q, %n = lm.rope_append %qkv, %pos, %c, %batch {heads = 3} : tensor<?x28xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c2_features(%qkv: tensor<?x16xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected qkv of 32 features ((heads + 2 kv_heads) * dim), got 16}}
  %q, %n = lm.rope_append %qkv, %pos, %c, %batch {heads = 4} : tensor<?x16xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c2_features_with_v(%qkv: tensor<?x32xf32>, %v: tensor<?x8xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected qkv of 24 features ((heads + kv_heads) * dim), got 32}}
  %q, %n = lm.rope_append %qkv v %v, %pos, %c, %batch {heads = 4} : tensor<?x32xf32>, !kv, tensor<?x8xf32>
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c4_features_of_v(%qk: tensor<?x24xf32>, %v: tensor<?x9xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected v of 8 features (heads * dim of the cache), got 9}}
  %q, %n = lm.rope_append %qk v %v, %pos, %c, %batch {heads = 4} : tensor<?x24xf32>, !kv, tensor<?x9xf32>
  lm.return
}

// -----

#rope = #lm.rope<dim = 2, layout = split_half, attention_factor = 1.0, inv_freq = [1.0]>
!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c3_dim(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected rope of dim 4 (dim of the cache), got 2}}
  %q, %n = lm.rope_append %qkv, %pos, %c, %batch, #rope {heads = 4} : tensor<?x32xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @cached_attention_c5_softcap(%q: tensor<?x16xf32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected softcap that is finite and > 0}}
  %a = lm.cached_attention %q, %c, %batch {scale = 0.5, heads = 4} softcap 0.0 : tensor<?x16xf32>, !kv
  lm.return
}

// -----

lm.func @attention_c6_softcap(%q: tensor<?x8xf32>) {
  // expected-error @+1 {{expected softcap that is finite and > 0}}
  %a = lm.attention %q, %q, %q {causal, scale = 0.5, heads = 2, kv_heads = 2} softcap -1.0 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @position_scale_c1_beta(%q: tensor<?x8xf32>, %pos: tensor<?xi32>) {
  // expected-error @+1 {{expected beta that is finite}}
  %a = lm.position_scale %q, %pos {beta = 0x7FF0000000000000, length = 4} : tensor<?x8xf32>
  lm.return
}

// -----

lm.func @position_scale_c2_length(%q: tensor<?x8xf32>, %pos: tensor<?xi32>) {
  // expected-error @+1 {{expected length >= 1, got 0}}
  %a = lm.position_scale %q, %pos {beta = 0.1, length = 0} : tensor<?x8xf32>
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c5_whole_alone(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected q_norm and k_norm with centred or whole}}
  %q, %n = lm.rope_append %qkv, %pos, %c, %batch whole {heads = 4} : tensor<?x32xf32>, !kv
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c5_both(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch, %g: tensor<4xf32>) {
  // expected-error @+1 {{expected no whole with centred}}
  %q, %n = lm.rope_append %qkv, %pos, %c, %batch q_norm %g k_norm %g eps 0.5 centred whole {heads = 4} : tensor<?x32xf32>, !kv norms tensor<4xf32>, tensor<4xf32>
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c6_gains(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch, %g: tensor<4xf32>, %h: tensor<16xf32>) {
  // expected-error @+1 {{expected gains of one head (4 features) or of all heads, got 16 and 4}}
  %q, %n = lm.rope_append %qkv, %pos, %c, %batch q_norm %h k_norm %g eps 0.5 {heads = 4} : tensor<?x32xf32>, !kv norms tensor<16xf32>, tensor<4xf32>
  lm.return
}

// -----

!kv = !lm.kv<heads = 2, dim = 4, elem = f32, layout = contiguous>
lm.func @rope_append_c7_query_scale(%qkv: tensor<?x32xf32>, %pos: tensor<?xi32>, %c: !kv, %batch: !lm.batch) {
  // expected-error @+1 {{expected query_scale of a finite beta and a whole length of 1 to 2^31}}
  %q, %n = lm.rope_append %qkv, %pos, %c, %batch query_scale [0.1, 0.5] {heads = 4} : tensor<?x32xf32>, !kv
  lm.return
}
