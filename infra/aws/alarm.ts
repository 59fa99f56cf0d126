/** A mail when uploads wait among the dead letters: nobody looks into a queue that is always empty. */

import { MetricAlarm } from "@pulumi/aws/cloudwatch/metricAlarm.js";
import { Topic } from "@pulumi/aws/sns/topic.js";
import { TopicSubscription } from "@pulumi/aws/sns/topicSubscription.js";
import type { Queue } from "@pulumi/aws/sqs/queue.js";

/** SQS tells its metrics every minute, but only of queues that were used in the last hours. */
const PERIOD_SECONDS = 300;

/**
 * Tells an address of the first letter, and again after the queue was emptied.
 * @param email must confirm the subscription: AWS writes to it once `up` is done
 */
export function createAlarm(name: string, deadLetters: Queue, email: string): void {
  const topic = new Topic(name, {});
  void new TopicSubscription(name, { topic: topic.arn, protocol: "email", endpoint: email });
  void new MetricAlarm(name, {
    alarmDescription: "Uploads whose job could not be started wait among the dead letters.",
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: deadLetters.name },
    statistic: "Maximum",
    period: PERIOD_SECONDS,
    evaluationPeriods: 1,
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    treatMissingData: "notBreaching",
    alarmActions: [topic.arn],
  });
}
