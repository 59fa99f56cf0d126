/** Where metrics go: a dataset of the platform, or lines of the log where there is none. */

import type { Logger } from "../log.ts";
import { encodePoint, type Metrics } from "../scoring/operations/metrics.ts";

/** To a Workers Analytics Engine dataset; at most 250 points per invocation, of which the end of a job takes about 40. */
export function createDatasetMetrics(dataset: AnalyticsDataset, logger: Logger): Metrics {
  return {
    write(points) {
      try {
        for (const point of points) dataset.writeDataPoint(encodePoint(point));
      } catch (error) {
        logger.log("warn", "metrics_failed", { error });
      }
    },
  };
}

/** To the log, one line per point, for local development and deployments without a dataset. */
export function createLogMetrics(logger: Logger): Metrics {
  return {
    write(points) {
      for (const { kind, ...fields } of points) logger.log("info", "metric", { metric: kind, ...fields });
    },
  };
}
