// Iterates over the `count` values of a shader that computes each by itself. An invocation takes ITEMS of them, a
// workgroup apart, so adjacent invocations take adjacent values.
const WORKGROUP = <%= k.workgroup %>u;
const ITEMS = <%= k.items %>u;
