// Slices of [outer, terms, inner], which a pass reduces to one output each, [outer, slices, inner]. A slice is `share`
// terms long, the last may be shorter. With `vector` a Value is four columns, or with `fold` four terms of a row.
//
// ACROSS adjacent invocations share a slice: each takes every ACROSS-th Value of it. A workgroup takes PER_GROUP slices
// at a time, `items` times.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;
alias Bits = <%= k.vector ? 'vec4<u32>' : 'u32' %>;
// One for each row or column of a Value.
alias Result = <%= k.fold ? 'f32' : 'Value' %>;
alias ResultBits = <%= k.fold ? 'u32' : 'Bits' %>;
const WORKGROUP = <%= k.workgroup %>u;
const ACROSS = <%= k.across %>u;
const PER_GROUP = WORKGROUP / ACROSS;

struct Slice {
  // Its terms, from `first` to before `end`; none for an output beyond the last.
  first: u32,
  end: u32,
  // Term t is at start + t * inner.
  start: u32,
  // The output without slices, [outer, inner].
  result: u32,
}

fn sliceOf(o: u32) -> Slice {
  let row = <%= k.rows ? 'o' : 'o / params.inner' %>;
  let column = <%= k.rows ? '0u' : 'o - row * params.inner' %>;
  let n = <%= k.sliced ? 'row / params.slices' : 'row' %>;
  let first = <%= k.sliced ? '(row - n * params.slices) * params.share' : '0u' %>;
  let end = select(0u, min(first + params.share, params.terms), o < params.outputs);
  return Slice(first, end, n * params.terms * params.inner + column, n * params.inner + column);
}
