/** The library's ops as nodes of ONNX, opset 17. */
import type { OpExporter } from '../exported-op.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { NORMALISATIONS } from './normalisations.ts';
import { PRODUCTS } from './products.ts';
import { SHAPES } from './shapes.ts';
import { WINDOWS } from './windows.ts';

export const OPS: Readonly<Record<string, OpExporter>> = {
  ...{ ...ELEMENTWISE, ...WINDOWS, ...NORMALISATIONS, ...PRODUCTS, ...SHAPES },
};
