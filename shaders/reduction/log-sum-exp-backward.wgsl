// inputGrad [outer, terms, inner] = exp(input - result) * outputGrad; results and outputGrad are [outer, inner]. See
// parts/expand.wgsl.
struct Params { count: u32, span: u32, inner: u32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read> results: array<Result>;
@group(0) @binding(2) var<storage, read> outputGrad: array<Result>;
@group(0) @binding(3) var<storage, read_write> inputGrad: array<Value>;
@group(0) @binding(4) var<uniform> params: Params;

<%~ include('/reduction/parts/expand.wgsl', { ...k, store: 'inputGrad[i] = expOf(input[i] - results[o]) * outputGrad[o];' }) %>
<%~ include('/reduction/parts/exp.wgsl') %>
