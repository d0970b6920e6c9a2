/** The package's main file does not load in an ES module (1.6.0). Its module file does, with the same contents. */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
