/** The package's main file does not load in an ES module (1.6.0); its module file does, and has the same contents. */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
