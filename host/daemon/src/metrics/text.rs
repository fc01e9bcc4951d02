//! Metrics as text, in the format that Prometheus reads (version 0.0.4): one family after another, each with its help and
//! type.

use std::fmt::{Display, Write as _};

use super::histogram::Counted;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What every name begins with.
const PREFIX: &str = "countersign_";

/// Metrics as they are written.
#[derive(Debug, Default)]
pub struct Metrics {
    text: String,
}

/// A label with its value.
pub type Label<'l> = (&'static str, &'l str);

impl Metrics {
    /// A family whose members only rise: its name ends in `_total`.
    pub fn counters<'l>(&mut self, name: &str, help: &str, members: impl IntoIterator<Item = (Vec<Label<'l>>, f64)>) {
        self.family(name, help, "counter", members);
    }

    /// A family whose members rise and fall.
    pub fn gauges<'l>(&mut self, name: &str, help: &str, members: impl IntoIterator<Item = (Vec<Label<'l>>, f64)>) {
        self.family(name, help, "gauge", members);
    }

    /// A counter without labels.
    pub fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.counters(name, help, [(Vec::new(), value)]);
    }

    /// A gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.gauges(name, help, [(Vec::new(), value)]);
    }

    /// Histograms.
    pub fn histograms<'l>(
        &mut self,
        name: &str,
        help: &str,
        members: impl IntoIterator<Item = (Vec<Label<'l>>, Counted)>,
    ) {
        self.head(name, help, "histogram");
        for (labels, Counted { buckets, count, sum }) in members {
            for (bound, count) in buckets {
                self.sample(name, "_bucket", &labels, Some(&bound), count);
            }
            self.sample(name, "_bucket", &labels, Some(&"+Inf"), count);
            self.sample(name, "_sum", &labels, None, sum);
            self.sample(name, "_count", &labels, None, count);
        }
    }

    /// A sum of durations, in seconds, and how many there were.
    pub fn summary(&mut self, name: &str, help: &str, count: u64, seconds: f64) {
        self.head(name, help, "summary");
        self.sample(name, "_sum", &[], None, seconds);
        self.sample(name, "_count", &[], None, count);
    }

    fn family<'l>(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        members: impl IntoIterator<Item = (Vec<Label<'l>>, f64)>,
    ) {
        self.head(name, help, kind);
        for (labels, value) in members {
            self.sample(name, "", &labels, None, value);
        }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a text doesn't fail.
        let _ = writeln!(self.text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
    }

    fn sample(
        &mut self,
        name: &str,
        ending: &str,
        labels: &[Label<'_>],
        le: Option<&dyn Display>,
        value: impl Display,
    ) {
        let _ = write!(self.text, "{PREFIX}{name}{ending}");
        let mut labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        labels.extend(le.map(|le| format!("le=\"{le}\"")));
        if !labels.is_empty() {
            let _ = write!(self.text, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// A label's value: backslashes, quotes and line ends are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
#[path = "../../tests/unit/metrics_text.rs"]
mod tests;
