//! Whose records a scenario has: the estate's own work is seen by three systems, each in its own words.

/// The system that writes a scenario's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Telemetry {
    /// AWS CloudTrail.
    #[default]
    CloudTrail,
    /// Okta System Log.
    Okta,
    /// The Windows Security channel of a domain's machines, as a shipper sends it.
    WindowsSecurity,
}

impl Telemetry {
    /// Every one.
    pub const ALL: &'static [Telemetry] = &[Telemetry::CloudTrail, Telemetry::Okta, Telemetry::WindowsSecurity];

    /// The name of the source that reads it.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Telemetry::CloudTrail => "cloudtrail",
            Telemetry::Okta => "okta",
            Telemetry::WindowsSecurity => "windows-security",
        }
    }

    /// One sentence for a list.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Telemetry::CloudTrail => "calls in the estate's AWS accounts",
            Telemetry::Okta => "sign-ins and administration in its Okta org",
            Telemetry::WindowsSecurity => "logons, tickets and directory access in its Windows domain",
        }
    }

    /// The telemetry with this name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Telemetry> {
        Telemetry::ALL.iter().copied().find(|telemetry| telemetry.id() == id)
    }

    /// The members that a record must have and that damage takes: its time, and what kind of event it is.
    pub(crate) const fn vital(self) -> (&'static [&'static str], &'static str) {
        match self {
            Telemetry::CloudTrail => (&["eventTime"], "eventName"),
            Telemetry::Okta => (&["published"], "eventType"),
            Telemetry::WindowsSecurity => (&["@timestamp", "EventReceivedTime", "EventTime"], "EventID"),
        }
    }
}
