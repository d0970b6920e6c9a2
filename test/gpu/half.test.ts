/** Requesting a device with half precision. */
import { expect, test } from 'vitest';
import { halfFeatureOf } from '../../src/gpu/adapter.ts';
import { MissingFeatureError } from '../../src/gpu/errors.ts';
import { withGpu } from '../support/gpu.ts';

const info = { description: 'Acme driver 12.3' };

test('the feature is requested from an adapter that has it', () => {
  expect(halfFeatureOf({ features: new Set(['subgroups', 'shader-f16']), info })).toBe('shader-f16');
});

test('an adapter without it throws an error that says what to do', () => {
  const ask = () => halfFeatureOf({ features: new Set(['subgroups']), info });
  expect(ask).toThrow(MissingFeatureError);
  expect(ask).toThrow(
    'Half precision needs the feature shader-f16, which the adapter "Acme driver 12.3" does not have. Turn half ' +
      'precision off, or choose another adapter.',
  );
});

const { gpuTest, gpu } = await withGpu({ half: true, minimal: true });

gpuTest('a device with minimal limits and features still has it', () => {
  expect([...gpu.device.features].filter((name) => name !== 'core-features-and-limits')).toEqual(['shader-f16']);
  expect(gpu.traits.shaderF16).toBe(true);
});
