// biasGrad[c] = sum of grad; weightGrad[c] = sum of grad * (input - mean[c]) * invStd[c], both over a channel of
// [batch, channels, plane], as Values. grad is the part of outputGrad that reaches the batch norm:
// - without ReLU all of it;
// - with ReLU right after, the part where the normalised input is positive. It is computed again, which saves a load;
// - with a residual added before ReLU, the part where the saved output is positive. That part is also the residual's
//   gradient, and is written to passed.
//
// One workgroup per channel. An invocation sums every WORKGROUP-th Value in runs of RUN, short enough to round hardly
// more than the products do. It adds the runs with their rounding errors; a tree adds the invocations, in a fixed
// order.
<% if (k.subgroup) { %>enable subgroups;<% } %>
struct Params { batch: u32, channels: u32, plane: u32, zero: u32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read> outputGrad: array<Value>;
@group(0) @binding(2) var<storage, read> statistics: array<f32>;
@group(0) @binding(3) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(4) var<storage, read_write> biasGrad: array<f32>;
<% if (k.relu) { %>
@group(0) @binding(5) var<storage, read> weight: array<f32>;
@group(0) @binding(6) var<storage, read> bias: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;
<% } else if (k.residual) { %>
@group(0) @binding(5) var<storage, read> output: array<Value>;
@group(0) @binding(6) var<storage, read_write> passed: array<Value>;
@group(0) @binding(7) var<uniform> params: Params;
<% } else { %>
@group(0) @binding(5) var<uniform> params: Params;
<% } %>

const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;

<%~ include('/batch-norm/parts/batch-norm.wgsl', k) %>
<%~ include('/parts/compensated.wgsl', { types: { Value: k.vector ? 4 : 1, Sums: 2 } }) %>
<%~ include('/parts/total.wgsl', { ...k, sums: 2 }) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var c = group.x; c < params.channels; c += groups.x) {
    let mean = statistics[c];
    let invStd = statistics[params.channels + c];
    let meanLow = statistics[2u * params.channels + c];
<% if (k.relu) { %>
    let scale = invStd * weight[c];
    let shift = shiftOf(bias[c], meanLow, scale);
<% } %>
    var grads = Value();
    var gradsLow = Value();
    var products = Value();
    var productsLow = Value();
    for (var n = 0u; n < params.batch; n++) {
      let first = (n * params.channels + c) * params.plane;
      for (var start = 0u; start < params.plane; start += WORKGROUP * RUN) {
        let end = first + min(start + WORKGROUP * RUN, params.plane);
        var runGrads = Value();
        var runProducts = Value();
        for (var i = first + start + lane; i < end; i += WORKGROUP) {
          let value = input[i];
<% if (k.relu) { %>
          let grad = reluGrad(outputGrad[i], normalised(value, mean, scale, shift));
<% } else if (k.residual) { %>
          let grad = reluGrad(outputGrad[i], output[i]);
          passed[i] = grad;
<% } else { %>
          let grad = outputGrad[i];
<% } %>
          runGrads += grad;
          runProducts += grad * (value - mean);
        }
        addTo(&grads, &gradsLow, runGrads);
        addTo(&products, &productsLow, runProducts);
      }
    }
<% if (k.vector) { %>
    let own = addedUp(
<%   for (const part of ['x', 'y', 'z', 'w']) { %>
      Pairs(grads.<%= part %>, products.<%= part %>, gradsLow.<%= part %>, productsLow.<%= part %>),
<%   } %>
    );
<% } else { %>
    let own = Pairs(grads, products, gradsLow, productsLow);
<% } %>
    let result = total(own, lane);
    if (lane == 0u) {
      let sum = result.x + result.z;
      biasGrad[c] = sum;
      // All distances were measured from the rounded mean.
      weightGrad[c] = (result.y + (result.w - meanLow * sum)) * invStd;
    }
  }
}
