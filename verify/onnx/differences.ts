/** Outputs of ONNX's tests that must differ, because the engine does what torch does. */
export const DIFFERENCES: Readonly<Record<string, { readonly output: string; readonly reason: string }>> = {
  'node/test_batchnorm_epsilon_training_mode': runningVariance(),
  'node/test_batchnorm_example_training_mode': runningVariance(),
};

function runningVariance() {
  return {
    output: 'output_var',
    reason: 'torch moves the running variance towards the unbiased one, ONNX towards the biased one',
  };
}
