// How an elementwise shader goes over its `count` Values: single numbers, or four at a time where their number allows. An
// invocation takes ITEMS of them, a workgroup apart, so that neighbours read neighbours.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;
const WORKGROUP = <%= k.workgroup %>u;
const ITEMS = <%= k.items %>u;
