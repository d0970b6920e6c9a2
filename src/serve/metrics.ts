/** A server's figures in Prometheus' text format. */
import type { Registry } from 'prom-client';
import { loadOptional } from '../optional.ts';

/** Seconds; a forward pass takes from a millisecond to a second. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64];

export interface Metrics {
  /** Counts a request. @param route one of the server's own, never a client's text */
  answered(route: string, status: number, seconds: number): void;
  /** Counts a picture of a request. */
  picture(result: 'predicted' | 'refused'): void;
  batch(pictures: number): void;
  readonly contentType: string;
  text(): Promise<string>;
}

/**
 * @param queue gives the requests in the server, and the pictures that wait for a batch
 * @throws MissingPackageError if prom-client is not installed
 */
export async function openMetrics(queue: () => { requests: number; pictures: number }): Promise<Metrics> {
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = await loadOptional(
    'prom-client',
    "A server's metrics",
    () => import('prom-client'),
  );
  const registry: Registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    ...{ name: 'dawngrad_requests_total', help: 'Requests answered, by route and status.', registers },
    labelNames: ['route', 'status'],
  });
  const latency = new Histogram({
    ...{ name: 'dawngrad_request_seconds', help: 'From the head of a request to its answer, by route.', registers },
    ...{ labelNames: ['route'], buckets: LATENCY_BUCKETS },
  });
  const pictures = new Counter({
    ...{ name: 'dawngrad_pictures_total', help: 'Pictures, by result: predicted or refused.', registers },
    labelNames: ['result'],
  });
  const batches = new Histogram({
    ...{ name: 'dawngrad_batch_pictures', help: 'Pictures computed in one forward pass.', registers },
    buckets: BATCH_BUCKETS,
  });
  new Gauge({
    ...{ name: 'dawngrad_requests_in_progress', help: 'Requests received, waiting or computed.', registers },
    collect() {
      this.set(queue().requests);
    },
  });
  new Gauge({
    ...{ name: 'dawngrad_queue_pictures', help: 'Pictures that wait for a batch.', registers },
    collect() {
      this.set(queue().pictures);
    },
  });
  return {
    answered(route, status, seconds) {
      requests.inc({ route, status: `${status}` });
      latency.observe({ route }, seconds);
    },
    picture: (result) => pictures.inc({ result }),
    batch: (count) => batches.observe(count),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
