//! Records of the Windows Security channel, as a shipper sends them: fields at the top, local times.

pub(crate) mod audits;

use countersign_model::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::estate::domain::Machine;
use crate::json::Json;
use crate::time::{MINUTE, SECOND, format_local, format_millis, whole_second};

/// What a machine writes into its channel.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    pub(crate) id: i64,
    pub(crate) category: &'static str,
    pub(crate) source: &'static str,
    pub(crate) success: bool,
    /// Full name of the machine that writes it.
    pub(crate) host: String,
    /// The event's own data, in its order.
    pub(crate) data: Vec<(&'static str, Json)>,
}

impl Audit {
    pub(crate) fn new(id: i64, category: &'static str, host: &Machine) -> Audit {
        Audit {
            id,
            category,
            source: "Microsoft-Windows-Security-Auditing",
            success: true,
            host: host.host(),
            data: Vec::new(),
        }
    }

    pub(crate) fn failed(mut self) -> Audit {
        self.success = false;
        self
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Json>) -> Audit {
        self.data.push((key, value.into()));
        self
    }
}

/// West of UTC: the machines' clocks show this much less.
const LOCAL: i64 = -300 * MINUTE;

/// Writes the record of an audit, the `number`th of its machine; its id as the source makes it, and its JSON.
pub(crate) fn record(time: Timestamp, number: u64, audit: &Audit) -> (String, String) {
    /// The members before an event's own, then these.
    struct Record<'a>(Vec<(&'static str, Json)>, &'a [(&'static str, Json)]);

    impl Serialize for Record<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len() + self.1.len()))?;
            for (key, value) in self.0.iter().chain(self.1) {
                map.serialize_entry(key, value)?;
            }
            map.end()
        }
    }

    // The shipper sends within two seconds; its own clock is UTC, and it notes the machine's.
    let happened = whole_second(time);
    let received = happened.plus_micros(2 * SECOND);
    let (kind, severity) = if audit.success { ("AUDIT_SUCCESS", "INFO") } else { ("AUDIT_FAILURE", "ERROR") };
    let head = vec![
        ("@timestamp", Json::from(format_millis(received))),
        ("@version", "1".into()),
        ("Category", audit.category.into()),
        ("Channel", "Security".into()),
        ("EventID", audit.id.into()),
        ("EventReceivedTime", format_local(received.plus_micros(LOCAL)).into()),
        ("EventTime", format_local(happened.plus_micros(LOCAL)).into()),
        ("EventType", kind.into()),
        ("Hostname", Json::from(&audit.host)),
        ("RecordNumber", Json::from(i64::try_from(number).unwrap_or(i64::MAX))),
        ("Severity", severity.into()),
        ("SourceName", audit.source.into()),
    ];
    // Strings and integers under text keys always serialise.
    let line = serde_json::to_string(&Record(head, &audit.data)).unwrap_or_default();
    (format!("{}/security/{number}@{happened}", audit.host.to_ascii_lowercase()), line)
}
