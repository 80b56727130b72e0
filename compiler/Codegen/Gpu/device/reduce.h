// Sums over the lanes of a wave and the threads of a block.
#pragma once
#include "compiler/Codegen/Gpu/device/arithmetic.h"

// Over groups of `width` lanes (a power of two); every lane gets the result.
template <int width = waveWidth> QUIPU_DEVICE float waveSum(float value) {
#pragma unroll
  for (int mask = width / 2; mask > 0; mask /= 2)
    value += shuffleXor(value, mask);
  return value;
}

// `partial`: shared memory for threads / waveWidth values, free again after the next barrier.
template <int threads> QUIPU_DEVICE float blockSum(float value, float *partial) {
  value = waveSum(value);
  if (threads <= waveWidth)
    return value;
  if (laneIndex() == 0)
    partial[waveIndex()] = value;
  blockBarrier();
  float sum = 0;
#pragma unroll
  for (int wave = 0; wave < threads / waveWidth; ++wave)
    sum += partial[wave];
  return sum;
}
