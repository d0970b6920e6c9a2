/** A Python with PyTorch, for tests that compare with it. Verify and bench search in the same way. */
export { findTorchPython, NO_TORCH, torchPythonEnvironment } from '../../scripts/find-python.ts';
