// inputGrad [outer, terms, inner] has 1 where the input equals its extreme, see extreme-ties.wgsl. It becomes an even
// share of outputGrad [outer, inner]: inputGrad *= outputGrad / counts. See parts/expand.wgsl.
struct Params { count: u32, span: u32, inner: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<Result>;
@group(0) @binding(1) var<storage, read> counts: array<Result>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<Value>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('/reduction/parts/expand.wgsl', { ...k, store: 'inputGrad[i] *= outputGrad[o] / counts[o];' }) %>
