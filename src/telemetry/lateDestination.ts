import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { AggregationTemporality, InstrumentType } from '@opentelemetry/sdk-metrics';
import type { Destination } from './destination.js';

/** The part of an exporter that all three kinds share. */
interface Exporter<I> {
  export(items: I, done: (result: ExportResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * A destination that is opened at its first export, some seconds after the start of the process. The exporters of Application Insights take
 * longer to load than all code of the product, and a start that waits for them delays the first request.
 *
 * Counters are handed over as changes since the last export, as Application Insights expects.
 *
 * @param open loads the exporters. After a failure the export counts as failed, and the next export tries again
 */
export function openLate(open: () => Promise<Destination>): Destination {
  let opened: Promise<Destination> | undefined;
  const destination = () => {
    opened ??= open().catch((error) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };

  function late<I>(choose: (destination: Destination) => Exporter<I>) {
    const ifOpened = async (run: (exporter: Exporter<I>) => Promise<void> | undefined) => {
      if (opened) await run(choose(await opened));
    };
    return {
      export(items: I, done: (result: ExportResult) => void) {
        destination().then(
          (found) => choose(found).export(items, done),
          (error: Error) => done({ code: ExportResultCode.FAILED, error }),
        );
      },
      forceFlush: () => ifOpened((exporter) => exporter.forceFlush?.()),
      shutdown: () => ifOpened((exporter) => exporter.shutdown()),
    };
  }

  return {
    spans: late(({ spans }) => spans),
    metrics: {
      ...late(({ metrics }) => metrics),
      selectAggregationTemporality: (type) =>
        type === InstrumentType.UP_DOWN_COUNTER || type === InstrumentType.OBSERVABLE_UP_DOWN_COUNTER
          ? AggregationTemporality.CUMULATIVE
          : AggregationTemporality.DELTA,
    },
    logs: late(({ logs }) => logs),
  };
}
