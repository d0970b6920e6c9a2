// output = each value of input [outer, inner] for all its terms, [outer, terms, inner]; with `mean`, divided by divisor.
// See parts/expand.wgsl.
struct Params { count: u32, span: u32, inner: u32, divisor: f32 }
@group(0) @binding(0) var<storage, read> input: array<Result>;
@group(0) @binding(1) var<storage, read_write> output: array<Value>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/reduction/parts/expand.wgsl', { ...k, store: `output[i] = Value(input[o]${k.mean ? ' / params.divisor' : ''});` }) %>
