<%
// Where results begin: after the input, and the places that an earlier pass chose.
const next = k.chosen ? 2 : 1;
%>
// output = the largest value of each slice of input, or with `least` the smallest. NaN counts as the most extreme, as in
// torch. With `places` also its place among the terms, the first of equal ones; after a pass over slices that chose
// places, these are `chosen`. See parts/slices.wgsl.
struct Params { outputs: u32, terms: u32, inner: u32, slices: u32, share: u32, items: u32 }
@group(0) @binding(0) var<storage, read> input: array<Bits>;
<% if (k.chosen) { %>
@group(0) @binding(1) var<storage, read> chosen: array<Bits>;
<% } %>
@group(0) @binding(<%= next %>) var<storage, read_write> output: array<ResultBits>;
<% if (k.places) { %>
@group(0) @binding(<%= next + 1 %>) var<storage, read_write> places: array<ResultBits>;
<% } %>
@group(0) @binding(<%= next + (k.places ? 2 : 1) %>) var<uniform> params: Params;

<%~ include('/reduction/parts/slices.wgsl', k) %>
<%~ include('/reduction/parts/order.wgsl', k) %>
<% if (k.places) { %>

struct Found { key: ResultBits, place: ResultBits }

// The more extreme of both, the first of equal ones.
fn better(a: Found, b: Found) -> Found {
  let second = (b.key > a.key) | ((b.key == a.key) & (b.place < a.place));
  return Found(select(a.key, b.key, second), select(a.place, b.place, second));
}
<% } else { %>

alias Found = ResultBits;

fn better(a: Found, b: Found) -> Found {
  return max(a, b);
}
<% } %>
<% if (k.across > 1) { %>

var<workgroup> partials: array<Found, WORKGROUP>;
<% } %>

// The best of a slice from those of the invocations that share it.
fn bestOf(own: Found, lane: u32) -> Found {
<%~ include('/reduction/parts/tree.wgsl', { ...k, partials: 'partials', joined: 'better(partials[lane], partials[lane + half])' }) %>
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (PER_GROUP * params.items) + lane / ACROSS;
  for (var j = 0u; j < params.items; j++) {
    let o = first + j * PER_GROUP;
    let slice = sliceOf(o);
    var best = Bits();
<% if (k.places) { %>
    var place = Bits();
<% } %>
    for (var t = slice.first + lane % ACROSS; t < slice.end; t += ACROSS) {
      let i = slice.start + t * params.inner;
      let key = keyOf(input[i]);
<% if (k.places) { %>
      let more = key > best;
      place = select(place, <%= k.chosen ? 'chosen[i]' : k.fold ? '4u * t + vec4<u32>(0u, 1u, 2u, 3u)' : 'Bits(t)' %>, more);
      best = select(best, key, more);
<% } else { %>
      best = max(best, key);
<% } %>
    }
<%
// The best of an invocation; by component if a Value has four terms.
const found = (part) => (k.places ? `Found(best${part}, place${part})` : `best${part}`);
const pair = (a, b) => `better(${found(a)}, ${found(b)})`;
%>
    let own = <%= k.fold ? `better(${pair('.x', '.y')}, ${pair('.z', '.w')})` : found('') %>;
    let all = bestOf(own, lane);
    if (lane % ACROSS == 0u && o < params.outputs) {
<% if (k.places) { %>
      output[o] = bitsOf(all.key);
      places[o] = all.place;
<% } else { %>
      output[o] = bitsOf(all);
<% } %>
    }
  }
}
