// What batch norm's kernels compute with: single numbers, or four of a plane at a time where its size allows.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;

// Subtracting the mean first keeps the digits that input * scale + (bias - mean * scale) would lose.
fn normalised(input: Value, mean: f32, scale: f32, bias: f32) -> Value {
  return (input - mean) * scale + bias;
}

fn relu(value: Value) -> Value {
  // Not max(): a NaN must stay a NaN.
  return select(value, Value(), value < Value());
}

// The gradient that passes through a ReLU whose output is positive where `output` is; as in torch, none passes at 0.
fn reluGrad(grad: Value, output: Value) -> Value {
  return select(grad, Value(), output <= Value());
}

fn sumOf(value: Value) -> f32 {
  return <%= k.vector ? '(value.x + value.y) + (value.z + value.w)' : 'value' %>;
}
