// ties = 1 where input [outer, terms, inner] equals its result [outer, inner], else 0; NaN where the result is NaN. See
// parts/expand.wgsl.
struct Params { count: u32, span: u32, inner: u32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read> results: array<Result>;
@group(0) @binding(2) var<storage, read_write> ties: array<Value>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('/reduction/parts/expand.wgsl', { ...k, store: 'ties[i] = tieOf(input[i], Value(results[o]));' }) %>

fn tieOf(value: Value, result: Value) -> Value {
  let nan = (bitcast<Bits>(result) & Bits(0x7fffffffu)) > Bits(0x7f800000u);
  return select(select(Value(), Value(1.0), value == result), result, nan);
}
