/** The passes of a fully connected layer as products, which differ in the layout of their operands. */
import { multiply } from '../matmul/multiply.ts';
import { type Axis, type Product, type ProductKernel, productOf } from '../matmul/product.ts';
import { describeLinear, type LinearKernels, type LinearSize } from './shape.ts';

/**
 * The product of a pass: input · weightᵀ forward, outputGrad · weight for the input's gradient, and outputGradᵀ · input
 * for the weight's.
 */
export function linearProduct(pass: keyof LinearKernels, { rows, inFeatures, outFeatures }: LinearSize): Product {
  const axis = (extent: number, a: number, b: number, output: number): Axis => ({ extent, a, b, output });
  switch (pass) {
    case 'forward':
      return productOf(
        axis(rows, inFeatures, 0, outFeatures),
        axis(outFeatures, 0, inFeatures, 1),
        axis(inFeatures, 1, 1, 0),
      );
    case 'inputGrad':
      return productOf(
        axis(rows, outFeatures, 0, inFeatures),
        axis(inFeatures, 0, 1, 1),
        axis(outFeatures, 1, inFeatures, 0),
      );
    case 'weightGrad':
      return productOf(
        axis(outFeatures, 1, 0, inFeatures),
        axis(inFeatures, 0, 1, 1),
        axis(rows, outFeatures, inFeatures, 0),
      );
  }
}

/** The passes by a kernel for products. */
export function products(kernel: ProductKernel): LinearKernels {
  const label = (pass: keyof LinearKernels, size: LinearSize) => `linear ${pass} ${describeLinear(size)}`;
  return {
    forward(gpu, size, input, weight, bias, output) {
      const operands = { a: input, b: weight, bias };
      multiply(gpu, kernel, linearProduct('forward', size), operands, output, label('forward', size));
    },
    inputGrad(gpu, size, outputGrad, weight, target) {
      const operands = { a: outputGrad, b: weight };
      multiply(gpu, kernel, linearProduct('inputGrad', size), operands, target, label('inputGrad', size));
    },
    weightGrad(gpu, size, input, outputGrad, target) {
      const operands = { a: outputGrad, b: input };
      multiply(gpu, kernel, linearProduct('weightGrad', size), operands, target, label('weightGrad', size));
    },
  };
}
