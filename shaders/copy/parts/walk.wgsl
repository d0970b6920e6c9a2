<% const axes = [...Array(k.rank).keys()]; %>
// A walk over RANK axes in row-major order. An invocation takes RUN adjacent values: on a GPU one, so that adjacent
// invocations take adjacent values; on a CPU adapter many, because finding a place takes divisions, and the next place
// only additions.
const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;

// The place on each axis.
struct Place { <%= axes.map((a) => `i${a}: u32`).join(', ') %> }

fn placeOf(at: u32) -> Place {
  var rest = at;
  var place: Place;
<% for (const a of axes.slice(1).reverse()) { %>
  place.i<%= a %> = rest % params.extent<%= a %>;
  rest /= params.extent<%= a %>;
<% } %>
  place.i0 = rest;
  return place;
}

// The next place. Without branches, which are slow to compile on some adapters.
fn next(place: Place) -> Place {
  var after = place;
  var carry = 1u;
<% for (const a of axes.slice(1).reverse()) { %>
  after.i<%= a %> += carry;
  carry = select(0u, 1u, after.i<%= a %> == params.extent<%= a %>);
  after.i<%= a %> -= carry * params.extent<%= a %>;
<% } %>
  after.i0 += carry;
  return after;
}
