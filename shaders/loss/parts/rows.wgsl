<% const type = k.sums === 1 ? 'f32' : 'vec3<f32>'; %>
// Given: inner, whether an invocation has a whole row; sums, how many sums are taken at once: 1 or 3.
// Without `inner` the invocations of a workgroup share a row: each has every LANES-th class, and trees combine what they
// found.
const WORKGROUP = 64u;
const LANES = <%= k.inner ? '1u' : 'WORKGROUP' %>;
alias Sums = <%= type %>;
<% if (k.inner) { %>

fn largestOf(value: f32, lane: u32) -> f32 { return value; }
fn sumsOf(value: Sums, lane: u32) -> Sums { return value; }
<% } else { %>

var<workgroup> partials: array<<%= type %>, WORKGROUP>;

fn largestOf(value: f32, lane: u32) -> f32 {
  partials[lane] = Sums(value);
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partials[lane] = max(partials[lane], partials[lane + half]); }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&partials[0])<%= k.sums === 1 ? '' : '.x' %>;
}

fn sumsOf(value: Sums, lane: u32) -> Sums {
  partials[lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partials[lane] += partials[lane + half]; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&partials[0]);
}
<% } %>
