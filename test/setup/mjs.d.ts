/**
 * Set-up is plain JavaScript, which the main tsconfig.json does not read: there its imports are untyped. The project
 * scripts/tsconfig.json reads it, and checks these tests against the types in its comments.
 */
declare module '*.mjs';
