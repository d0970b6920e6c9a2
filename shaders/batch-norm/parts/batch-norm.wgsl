// Shared code of batch norm's kernels. A Value is a single element, or four of a plane if its size is a multiple of 4.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;

// Subtracting the mean first keeps the digits that input * scale + (bias - mean * scale) would lose.
fn normalised(input: Value, mean: f32, scale: f32, shift: f32) -> Value {
  return (input - mean) * scale + shift;
}

// The rounding error of a channel's mean shifts all its values equally.
fn shiftOf(bias: f32, meanLow: f32, scale: f32) -> f32 {
  return bias - meanLow * scale;
}

fn relu(value: Value) -> Value {
  // Not max(), because a NaN must stay a NaN.
  return select(value, Value(), value < Value());
}

// The gradient that passes through a ReLU whose output is positive where `output` is. As in torch, none passes at 0.
fn reluGrad(grad: Value, output: Value) -> Value {
  return select(grad, Value(), output <= Value());
}

