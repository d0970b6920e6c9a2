/** A Python with PyTorch, for the tests that compare with it. Verify and bench look for one in the same way. */
export { findTorchPython, NO_TORCH, torchPythonEnvironment } from '../../scripts/find-python.ts';
