// Iterates over the `count` Values of an elementwise shader: single elements, or four at a time if `count` allows. An
// invocation takes ITEMS of them, a workgroup apart, so adjacent invocations read adjacent Values.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;
const WORKGROUP = <%= k.workgroup %>u;
const ITEMS = <%= k.items %>u;
