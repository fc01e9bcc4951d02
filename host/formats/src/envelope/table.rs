//! The table of envelopes.

use super::{Believed, Envelope};

/// Every envelope. The first that is recognised, and that has what it hands on, counts.
pub const ENVELOPES: &[Envelope] = &[
    Envelope {
        name: "records",
        recognised_by: "a list; a CloudTrail file; a delivery of Lambda, Firehose or Event Hubs",
        believed: Believed::All,
        is_recognised: |_| true,
        paths: &["Records[]", "records[]"],
    },
    Envelope {
        name: "eventbridge",
        recognised_by: "`detail-type`, and a `source` that begins with `aws.`, which only AWS and its partners have",
        believed: Believed::Objects,
        is_recognised: |top| top.all(&["detail-type"]) && top.begins("source", "aws."),
        paths: &["detail"],
    },
    Envelope {
        name: "eventbridge-custom",
        recognised_by: "`detail-type`, and any other `source`",
        believed: Believed::Nothing,
        is_recognised: |top| top.all(&["detail-type"]),
        paths: &["detail"],
    },
    Envelope {
        name: "lookup-events",
        recognised_by: "what CloudTrail's `LookupEvents` answers, or an element of it",
        believed: Believed::All,
        is_recognised: |_| true,
        paths: &["Events[].CloudTrailEvent", "CloudTrailEvent"],
    },
    Envelope {
        name: "cloudwatch-logs",
        recognised_by: "`logGroup`, `logStream`, `logStreamName` or `messageType`: a subscription's delivery; or what \
                  `FilterLogEvents` answers",
        believed: Believed::Objects,
        is_recognised: |top| {
            top.any(&["logGroup", "logStream", "logStreamName", "messageType", "searchedLogStreams"])
                || top.is_list("events")
        },
        paths: &["logEvents[].message", "events[].message", "message"],
    },
    Envelope {
        name: "okta-hook",
        recognised_by: "`data.events`: an event hook of Okta",
        believed: Believed::All,
        is_recognised: |top| top.all(&["data"]),
        paths: &["data.events[]"],
    },
    Envelope {
        name: "kinesis",
        recognised_by: "a record of Kinesis, Firehose or Pub/Sub, or a delivery of CloudWatch Logs to Lambda: base64, also of gzip or zstd",
        believed: Believed::Objects,
        is_recognised: |top| {
            ["awslogs", "kinesis", "message"].iter().any(|name| top.is_object(name))
                || ["data", "Data"].iter().any(|name| top.is_scalar(name))
        },
        paths: &["awslogs.data", "kinesis.data", "message.data", "data", "Data"],
    },
    Envelope {
        name: "sns",
        recognised_by: "`Sns`; or `Message` with `TopicArn`",
        believed: Believed::Objects,
        is_recognised: |top| top.all(&["Sns"]) || top.all(&["TopicArn"]),
        paths: &["Sns.Message", "Message"],
    },
    Envelope {
        name: "sqs",
        recognised_by: "`Messages`; or a body with `MessageId`, `messageId`, `ReceiptHandle` or `receiptHandle`",
        believed: Believed::Objects,
        is_recognised: |top| {
            top.is_list("Messages") || top.any(&["MessageId", "messageId", "ReceiptHandle", "receiptHandle"])
        },
        paths: &["Messages[].Body", "Body", "body"],
    },
    Envelope {
        name: "opentelemetry",
        recognised_by: "`resourceLogs`; or `body` with `timeUnixNano`, `observedTimeUnixNano`, `timestamp`, `@timestamp`, \
                  `attributes` or `resource`",
        believed: Believed::Objects,
        is_recognised: |top| {
            let beside = ["timeUnixNano", "observedTimeUnixNano", "timestamp", "@timestamp", "attributes", "resource"];
            top.is_list("resourceLogs") || (top.all(&["body"]) && top.any(&beside))
        },
        paths: &[
            "resourceLogs[].scopeLogs[].logRecords[].body",
            "resourceLogs[].instrumentationLibraryLogs[].logRecords[].body",
            "body.structured",
            "body.text",
            "body",
        ],
    },
    Envelope {
        name: "elasticsearch",
        recognised_by: "`_source`, or an answer with `hits`",
        believed: Believed::Objects,
        is_recognised: |top| top.any(&["_source", "hits"]),
        paths: &["hits.hits[]._source", "_source"],
    },
    Envelope {
        name: "event-original",
        recognised_by: "`event.original` or `event_original`: the Elastic Common Schema",
        believed: Believed::Objects,
        is_recognised: |_| true,
        paths: &["event.original", "event_original"],
    },
    Envelope {
        name: "splunk",
        recognised_by: "`_raw`, `result` or `results`: what a search exports; or without `@timestamp` `event` alone or with a text as `host`, `source`, `sourcetype`, `index` or \
                  `time`: the HTTP Event Collector",
        believed: Believed::Objects,
        is_recognised: |top| {
            let beside = || ["host", "source", "sourcetype", "index", "time"].iter().any(|name| top.is_scalar(name));
            top.any(&["_raw", "result", "results"]) || (!top.any(&["@timestamp"]) && (beside() || top.len() == 1))
        },
        paths: &["result._raw", "results[]._raw", "_raw", "event"],
    },
    Envelope {
        name: "wazuh",
        recognised_by: "`win`; or `agent`, `manager`, `decoder` or `rule`: an alert or an archived event of Wazuh",
        believed: Believed::Objects,
        is_recognised: |top| top.any(&["win", "agent", "manager", "decoder", "rule"]),
        paths: &["data.win", "win", "data.aws", "full_log"],
    },
    Envelope {
        name: "filebeat",
        recognised_by: "`message`: a line of a log, as Filebeat, Logstash, Fluentd, Vector, syslog and Graylog write it",
        believed: Believed::Objects,
        is_recognised: |_| true,
        paths: &["message", "MESSAGE", "msg", "full_message", "short_message"],
    },
    Envelope {
        name: "container-log",
        recognised_by: "`log`: a line of a container's log, as Docker and Fluent Bit write it",
        believed: Believed::Objects,
        is_recognised: |_| true,
        paths: &["log"],
    },
];
