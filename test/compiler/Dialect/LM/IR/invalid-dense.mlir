// RUN: quipu-opt %s --split-input-file --verify-diagnostics
// One case for each numbered constraint of weights, matmuls, pointwise ops, norms and row ops.

lm.func @weight_c1_name() {
  // expected-error @+1 {{expected a tensor name, got an empty one}}
  %w = lm.weight @"" : tensor<4xf32>
  lm.return
}

// -----

lm.func @weight_of_integers() {
  // expected-error @+1 {{must be weight matrix or vector, but got 'tensor<4xi32>'}}
  %w = lm.weight @w : tensor<4xi32>
  lm.return
}

// -----

lm.func @weight_c2_whole_blocks() {
  // expected-error @+1 {{expected columns in whole blocks of q4_k (256 elements), got 128}}
  %w = lm.weight @w : tensor<4x128x!lm.q4_k>
  lm.return
}

// -----

lm.func @weight_vectors_are_no_blocks() {
  // expected-error @+1 {{must be weight matrix or vector, but got 'tensor<32x!lm.q8_0>'}}
  %w = lm.weight @w : tensor<32x!lm.q8_0>
  lm.return
}

// -----

lm.func @concat_rows_c1_operands() {
  // expected-error @+2 {{expected at least one operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %w = "lm.concat_rows"() : () -> tensor<4xf32>
  lm.return
}

// -----

lm.func @concat_rows_c2_rank(%a: tensor<4x8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected weights of rank 2 (rank of the first), got 'tensor<4xf32>'}}
  %w = lm.concat_rows %a, %b : tensor<4x8xf32>, tensor<4xf32>
  lm.return
}

// -----

lm.func @concat_rows_c3_elements(%a: tensor<4x8xf32>, %b: tensor<4x8xbf16>) {
  // expected-error @+1 {{expected elements of type 'f32' (elements of the first), got 'bf16'}}
  %w = lm.concat_rows %a, %b : tensor<4x8xf32>, tensor<4x8xbf16>
  lm.return
}

// -----

lm.func @concat_rows_c3_formats(%a: tensor<4x32x!lm.q8_0>, %b: tensor<4x32x!lm.q4_0>) {
  // expected-error @+1 {{expected elements of type '!lm.q8_0' (elements of the first), got '!lm.q4_0'}}
  %w = lm.concat_rows %a, %b : tensor<4x32x!lm.q8_0>, tensor<4x32x!lm.q4_0>
  lm.return
}

// -----

lm.func @concat_rows_c4_columns(%a: tensor<4x8xf32>, %b: tensor<4x7xf32>) {
  // expected-error @+1 {{expected 8 columns (columns of the first), got 7}}
  %w = lm.concat_rows %a, %b : tensor<4x8xf32>, tensor<4x7xf32>
  lm.return
}

// -----

lm.func @matmul_c1_columns(%x: tensor<?x8xf32>, %w: tensor<4x7xf32>) {
  // expected-error @+1 {{expected weight of 8 columns (features of x), got 7}}
  %y = lm.matmul %x, %w : tensor<?x8xf32>, tensor<4x7xf32>
  lm.return
}

// -----

lm.func @matmul_c2_gain(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{expected gain of size 8 (features of x), got 4}}
  %y = lm.matmul %x, %w norm %g eps 0.5 : tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>
  lm.return
}

// -----

lm.func @matmul_c3_eps_without_norm(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected norm_eps if and only if there is a gain}}
  %y = "lm.matmul"(%x, %w) <{norm_eps = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>}> : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  lm.return
}

// -----

lm.func @matmul_c3_negative_eps(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expected norm_eps that is finite and >= 0, got -5.000000e-01}}
  %y = lm.matmul %x, %w norm %g eps -0.5 : tensor<?x8xf32>, tensor<4x8xf32>, tensor<8xf32>
  lm.return
}

// -----

lm.func @matmul_c4_bias(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expected bias of size 4 (rows of the weight), got 8}}
  %y = lm.matmul %x, %w bias %b : tensor<?x8xf32>, tensor<4x8xf32>, tensor<8xf32>
  lm.return
}

// -----

lm.func @matmul_c5_gated_without_activation(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected an activation with gated}}
  %y = lm.matmul %x, %w gated : tensor<?x8xf32>, tensor<4x8xf32>
  lm.return
}

// -----

lm.func @matmul_c6_odd_rows(%x: tensor<?x8xf32>, %w: tensor<5x8xf32>) {
  // expected-error @+1 {{expected an even number of rows of a gated weight, got 5}}
  %y = lm.matmul %x, %w activation silu gated : tensor<?x8xf32>, tensor<5x8xf32>
  lm.return
}

// -----

lm.func @matmul_c7_residual(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected residual of type 'tensor<?x4xf32>' (type of the result), got 'tensor<?x8xf32>'}}
  %y = lm.matmul %x, %w residual %x : tensor<?x8xf32>, tensor<4x8xf32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @matmul_weight_is_a_matrix(%x: tensor<?x8xf32>, %w: tensor<8xf32>) {
  // expected-error @+1 {{expected a weight [out, in], got 'tensor<8xf32>'}}
  %y = lm.matmul %x, %w : tensor<?x8xf32>, tensor<8xf32>
  lm.return
}

// -----

lm.func @embedding_table_is_a_matrix(%ids: tensor<?xi32>, %w: tensor<8xf32>) {
  // expected-error @+1 {{expected a table [ids, features], got 'tensor<8xf32>'}}
  %y = lm.embedding %ids, %w : tensor<8xf32>
  lm.return
}

// -----

lm.func @add_operands_of_one_type(%a: tensor<?x8xf32>, %b: tensor<?x4xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %y = "lm.add"(%a, %b) : (tensor<?x8xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  lm.return
}

// -----

lm.func @rms_norm_c1_groups(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected groups >= 1 that divide 8 (features of x), got 3}}
  %y = lm.rms_norm %x eps 0.5 groups 3 : tensor<?x8xf32>
  lm.return
}

// -----

lm.func @rms_norm_c2_gain(%x: tensor<?x8xf32>, %g: tensor<7xf32>) {
  // expected-error @+1 {{expected gain of size 8 (features of x), got 7}}
  %y = lm.rms_norm %x, %g eps 0.5 : tensor<?x8xf32>, tensor<7xf32>
  lm.return
}

// -----

lm.func @rms_norm_c3_eps(%x: tensor<?x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expected eps that is finite and >= 0}}
  %y = lm.rms_norm %x, %g eps 0x7FF0000000000000 : tensor<?x8xf32>, tensor<8xf32>
  lm.return
}

// -----

lm.func @rms_norm_c4_residual(%x: tensor<?x8xf32>, %r: tensor<?x4xf32>) {
  // expected-error @+1 {{expected residual of type 'tensor<?x8xf32>' (type of x), got 'tensor<?x4xf32>'}}
  %y = lm.rms_norm %x eps 0.5 residual %r : tensor<?x8xf32>, tensor<?x4xf32>
  lm.return
}

// -----

lm.func @layer_norm_c1_groups(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected groups >= 1 that divide 8 (features of x), got 5}}
  %y = lm.layer_norm %x eps 0.5 groups 5 : tensor<?x8xf32>
  lm.return
}

// -----

lm.func @layer_norm_c2_gain(%x: tensor<?x8xf32>, %g: tensor<3xf32>) {
  // expected-error @+1 {{expected gain of size 8 (features of x) or of one group, got 3}}
  %y = lm.layer_norm %x, %g eps 0.5 groups 2 : tensor<?x8xf32>, tensor<3xf32>
  lm.return
}

// -----

lm.func @layer_norm_c3_eps(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected eps that is finite and >= 0, got -}}
  %y = lm.layer_norm %x eps -0.5 : tensor<?x8xf32>
  lm.return
}

// -----

lm.func @layer_norm_c4_residual(%x: tensor<?x8xf32>, %r: tensor<?x4xf32>) {
  // expected-error @+1 {{expected residual of type 'tensor<?x8xf32>' (type of x), got 'tensor<?x4xf32>'}}
  %y = lm.layer_norm %x eps 0.5 residual %r : tensor<?x8xf32>, tensor<?x4xf32>
  lm.return
}

// -----

lm.func @layer_norm_c5_bias(%x: tensor<?x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expected bias beside a gain of its size}}
  %y = lm.layer_norm %x bias %b eps 0.5 : tensor<?x8xf32>, tensor<8xf32>
  lm.return
}

// -----

lm.func @slice_columns_c1_offset_and_size(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected offset >= 0 and size >= 1, got -1 and 2}}
  %y = lm.slice_columns %x {offset = -1, size = 2} : tensor<?x8xf32>
  lm.return
}

// -----

lm.func @slice_columns_c2_end(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected columns below 8 (features of x), got offset 6 and size 3}}
  %y = lm.slice_columns %x {offset = 6, size = 3} : tensor<?x8xf32>
  lm.return
}

// -----

// expected-error @+1 {{expected a body of one block, got 0}}
lm.func @func_c1_one_block()

// -----

lm.func @return_c1_count(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{expected 1 operands (results of the function), got 0}}
  lm.return
}

// -----

lm.func @return_c2_types(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{expected operand 0 of type 'tensor<?x4xf32>' (result type), got 'tensor<?x8xf32>'}}
  lm.return %x : tensor<?x8xf32>
}

// -----

lm.func @matmul_c8_centred(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected a norm with centred}}
  %y = lm.matmul %x, %w centred : tensor<?x8xf32>, tensor<4x8xf32>
  lm.return
}

// -----

lm.func @matmul_c8_shift(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expected shift with centred only, and of size 8 (features of x)}}
  %y = lm.matmul %x, %w norm %g eps 0.5 shift %g : tensor<?x8xf32>, tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>
  lm.return
}

// -----

lm.func @matmul_c9_scale(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected scale that is finite}}
  %y = lm.matmul %x, %w scale 0x7FF0000000000000 : tensor<?x8xf32>, tensor<4x8xf32>
  lm.return
}

// -----

lm.func @matmul_c9_softcap(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected softcap that is finite and > 0}}
  %y = lm.matmul %x, %w softcap 0.0 : tensor<?x8xf32>, tensor<4x8xf32>
  lm.return
}

// -----

lm.func @embedding_c1_scale(%ids: tensor<?xi32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected scale that is finite}}
  %y = lm.embedding %ids, %w scale 0x7FF0000000000000 : tensor<4x8xf32>
  lm.return
}

// -----

lm.func @scale_c1_factor(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected factor that is finite}}
  %y = lm.scale %x {factor = 0x7FF0000000000000} : tensor<?x8xf32>
  lm.return
}

// -----

lm.func @softcap_c1_cap(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected cap that is finite and > 0}}
  %y = lm.softcap %x {cap = -1.0} : tensor<?x8xf32>
  lm.return
}

// -----

lm.func @weight_transpose_c1_source(%w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected source to be an lm.weight}}
  %t = lm.weight_transpose %w : tensor<4x8xf32> -> tensor<8x4xf32>
  lm.return
}

// -----

lm.func @weight_transpose_c2_shape() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected a result of 8x4, got 4x8}}
  %t = lm.weight_transpose %w : tensor<4x8xf32> -> tensor<4x8xf32>
  lm.return
}

// -----

lm.func @weight_transpose_c3_blocks() {
  %w = lm.weight @w : tensor<40x32xf32>
  // expected-error @+1 {{expected columns in whole blocks of q8_0 (32 elements), got 40}}
  %t = lm.weight_transpose %w : tensor<40x32xf32> -> tensor<32x40x!lm.q8_0>
  lm.return
}

// -----

lm.func @weight_rows_c1_source(%w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected source to be an lm.weight or an lm.weight_transpose}}
  %r = lm.weight_rows %w {first = 0, size = 2, stride = 2, count = 1} : tensor<4x8xf32> -> tensor<2x8xf32>
  lm.return
}

// -----

lm.func @weight_rows_c2_size() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected first and stride >= 0, size and count >= 1}}
  %r = lm.weight_rows %w {first = 0, size = 0, stride = 2, count = 1} : tensor<4x8xf32> -> tensor<2x8xf32>
  lm.return
}

// -----

lm.func @weight_rows_c3_rows() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected rows below 4 (rows of source)}}
  %r = lm.weight_rows %w {first = 1, size = 2, stride = 2, count = 2} : tensor<4x8xf32> -> tensor<4x8xf32>
  lm.return
}

// -----

lm.func @weight_rows_c4_result() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected a result of 2 rows with the columns of source}}
  %r = lm.weight_rows %w {first = 0, size = 2, stride = 2, count = 1} : tensor<4x8xf32> -> tensor<3x8xf32>
  lm.return
}

// -----

lm.func @weight_rows_c5_blocks() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected columns in whole blocks of q8_0 (32 elements), got 8}}
  %r = lm.weight_rows %w {first = 0, size = 2, stride = 2, count = 1} : tensor<4x8xf32> -> tensor<2x8x!lm.q8_0>
  lm.return
}

// -----

lm.func @weight_affine_c1_source(%w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected source to be an lm.weight, an lm.weight_transpose or an lm.weight_rows}}
  %r = lm.weight_affine %w {scale = 1.0, add = 1.0} : tensor<4x8xf32> -> tensor<4x8xf32>
  lm.return
}

// -----

lm.func @weight_affine_c2_finite() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected scale and add that are finite}}
  %r = lm.weight_affine %w {scale = 1.0, add = 0x7FF0000000000000} : tensor<4x8xf32> -> tensor<4x8xf32>
  lm.return
}

// -----

lm.func @weight_affine_c3_shape() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected a result of the shape of source}}
  %r = lm.weight_affine %w {scale = 1.0, add = 1.0} : tensor<4x8xf32> -> tensor<8x4xf32>
  lm.return
}

// -----

lm.func @weight_affine_c4_blocks() {
  %w = lm.weight @w : tensor<4x8xf32>
  // expected-error @+1 {{expected columns in whole blocks of q8_0 (32 elements), got 8}}
  %r = lm.weight_affine %w {scale = 1.0, add = 1.0} : tensor<4x8xf32> -> tensor<4x8x!lm.q8_0>
  lm.return
}
