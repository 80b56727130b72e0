// RUN: quipu-opt %s --split-input-file --verify-diagnostics
// One case for each numbered constraint of routers, stacks and the matmuls of experts.

lm.func @weight_stack_c1_name() {
  // expected-error @+1 {{expected a tensor name with one * at most, got 'experts.*.w*'}}
  %w = lm.weight_stack @"experts.*.w*" : tensor<2x4x4xf32>
  lm.return
}

// -----

lm.func @weight_stack_c2_whole_blocks() {
  // expected-error @+1 {{expected columns in whole blocks of q8_0 (32 elements), got 48}}
  %w = lm.weight_stack @"experts.*.w" : tensor<2x4x48x!lm.q8_0>
  lm.return
}

// -----

lm.func @weight_stack_is_of_rank_3() {
  // expected-error @+1 {{must be stack of weight matrices of a storage type, experts x out x in, but got 'tensor<4x4xf32>'}}
  %w = lm.weight_stack @"experts.*.w" : tensor<4x4xf32>
  lm.return
}

// -----

lm.func @concat_rows_c5_matrices() {
  %a = lm.weight_stack @a : tensor<2x4x4xf32>
  %b = lm.weight_stack @b : tensor<3x4x4xf32>
  // expected-error @+1 {{expected stacks of 2 matrices (matrices of the first), got 3}}
  %w = lm.concat_rows %a, %b : tensor<2x4x4xf32>, tensor<3x4x4xf32>
  lm.return
}

// -----

lm.func @route_c1_choose(%l: tensor<?x4xf32>) {
  // expected-error @+1 {{expected to choose 1 to 4 experts (features of logits), got 5}}
  %ids, %w = lm.route softmax %l choose 5 : tensor<?x4xf32>
  lm.return
}

// -----

lm.func @route_c2_bias(%l: tensor<?x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{expected bias of size 4 (features of logits), got 3}}
  %ids, %w = lm.route sigmoid %l bias %b choose 2 : tensor<?x4xf32>, tensor<3xf32>
  lm.return
}

// -----

lm.func @route_c3_scale(%l: tensor<?x4xf32>) {
  // expected-error @+1 {{expected scale that is finite}}
  %ids, %w = lm.route softmax %l choose 2 scale 0x7FF0000000000000 : tensor<?x4xf32>
  lm.return
}

// -----

lm.func @route_c4_groups(%l: tensor<?x4xf32>) {
  // expected-error @+1 {{expected groups >= 1 of two experts or more that divide 4 (features of logits), got 4}}
  %ids, %w = lm.route softmax %l choose 1 groups 4 keep 1 : tensor<?x4xf32>
  lm.return
}

// -----

lm.func @route_c5_keep(%l: tensor<?x4xf32>) {
  // expected-error @+1 {{expected keep of 1 to 2 (groups) that leaves 3 experts, got 1}}
  %ids, %w = lm.route softmax %l choose 3 groups 2 keep 1 : tensor<?x4xf32>
  lm.return
}

// -----

lm.func @expert_matmul_c1_columns(%x: tensor<?x12xf32>, %w: tensor<8x4x4xf32>, %ids: tensor<?x2xi32>) {
  // expected-error @+1 {{expected matrices of 12 columns (features of x) or of 2 times less, got 4}}
  %y = lm.expert_matmul %x, %w, %ids : tensor<?x12xf32>, tensor<8x4x4xf32>, tensor<?x2xi32>
  lm.return
}

// -----

lm.func @expert_matmul_c2_combine(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %ids: tensor<?x2xi32>, %c: tensor<?x3xf32>) {
  // expected-error @+1 {{expected combine of 2 features (experts of a token), got 3}}
  %y = lm.expert_matmul %x, %w, %ids combine %c : tensor<?x4xf32>, tensor<8x4x4xf32>, tensor<?x2xi32>, tensor<?x3xf32>
  lm.return
}

// -----

lm.func @expert_matmul_c3_activation(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %ids: tensor<?x2xi32>) {
  // expected-error @+1 {{expected an activation with gated}}
  %y = lm.expert_matmul %x, %w, %ids gated : tensor<?x4xf32>, tensor<8x4x4xf32>, tensor<?x2xi32>
  lm.return
}

// -----

lm.func @expert_matmul_c4_halves(%x: tensor<?x4xf32>, %w: tensor<8x3x4xf32>, %ids: tensor<?x2xi32>) {
  // expected-error @+1 {{expected an even number of rows of a gated matrix, got 3}}
  %y = lm.expert_matmul %x, %w, %ids activation silu gated : tensor<?x4xf32>, tensor<8x3x4xf32>, tensor<?x2xi32>
  lm.return
}

// -----

lm.func @expert_matmul_c5_residual(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %ids: tensor<?x2xi32>, %r: tensor<?x8xf32>) {
  // expected-error @+1 {{expected combine with residual}}
  %y = lm.expert_matmul %x, %w, %ids residual %r : tensor<?x4xf32>, tensor<8x4x4xf32>, tensor<?x2xi32>, tensor<?x8xf32>
  lm.return
}

// -----

lm.func @expert_matmul_c5_residual_type(%x: tensor<?x4xf32>, %w: tensor<8x4x4xf32>, %ids: tensor<?x2xi32>, %c: tensor<?x2xf32>, %r: tensor<?x8xf32>) {
  // expected-error @+1 {{expected residual of type 'tensor<?x4xf32>' (type of the result), got 'tensor<?x8xf32>'}}
  %y = lm.expert_matmul %x, %w, %ids combine %c residual %r : tensor<?x4xf32>, tensor<8x4x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32>
  lm.return
}
