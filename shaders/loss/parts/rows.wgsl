// Given: inner, whether an invocation has a whole row. Else the invocations of a workgroup share a row: each has every
// LANES-th class, and trees combine what they found.
const WORKGROUP = 64u;
const LANES = <%= k.inner ? '1u' : 'WORKGROUP' %>;
<% if (k.inner) { %>

fn largestOf(value: f32, lane: u32) -> f32 { return value; }
fn sumOf(value: f32, lane: u32) -> f32 { return value; }
<% } else { %>

var<workgroup> partials: array<f32, WORKGROUP>;

fn largestOf(value: f32, lane: u32) -> f32 {
  partials[lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partials[lane] = max(partials[lane], partials[lane + half]); }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&partials[0]);
}

fn sumOf(value: f32, lane: u32) -> f32 {
  partials[lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partials[lane] += partials[lane + half]; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&partials[0]);
}
<% } %>
